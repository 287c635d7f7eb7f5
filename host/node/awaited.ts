// Bytes that leave → who waits until what was sent has left. Made for a connection when somebody does.

/** Called when bytes have left, or with why they never will. */
export type Written = (error?: Error) => void;

const NEVER = 'The connection was closed before the message was written';

export class Awaited {
  /** Bytes that left since. */
  #done = 0;
  /** Callbacks, and how many bytes have to leave before each. */
  readonly #list: { until: number; callback: Written }[] = [];

  /** Calls back in a tick of its own, once so many bytes that are queued now have left. */
  add(queued: number, callback: Written): void {
    this.#list.push({ until: this.#done + queued, callback });
  }

  /**
   * Bytes have left.
   *
   * @param queued those that are left; at 0 nobody waits any more, whatever became shorter on its way
   * @returns whether somebody still waits
   */
  left(bytes: number, queued: number): boolean {
    this.#done = queued === 0 ? Infinity : this.#done + bytes;
    let count = 0;
    while (count < this.#list.length && this.#list[count].until <= this.#done) count++;
    for (const { callback } of this.#list.splice(0, count)) process.nextTick(callback);
    return this.#list.length > 0;
  }

  /** The connection is gone. */
  fail(): void {
    const error = Object.assign(new Error(NEVER), { code: 'ERR_STREAM_DESTROYED' });
    for (const { callback } of this.#list.splice(0)) process.nextTick(callback, error);
  }
}
