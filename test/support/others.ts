// The sessions of a vector beside its own one: names → handles, and lines of the log with their name
// before them. They were attached: no input is fed to them.

import { SelectRecord, State } from '../../build/limpet.abi.js';
import { Role, type CoreEvent, type Driver } from './driver.js';
import { agreedOf } from './vector.js';
import { eventsShown, outputShown } from './show.js';

interface Other {
  name: string;
  handle: number;
  events: CoreEvent[];
  /** Output that is not shown yet. */
  wire: Buffer;
  ended: string;
}

export class Others {
  readonly #others: Other[] = [];

  constructor(readonly driver: Driver) {}

  /** `NAME [client] [agreed=in/out]` → a session, or an ErrorCode. */
  attach(rest: string): number {
    const [name = '', ...words] = rest.split(' ');
    const agreed = words.find((word) => word.startsWith('agreed='))?.slice(7);
    const client = words.includes('client');
    if (client) this.driver.seed();
    const role = client ? Role.CLIENT : Role.SERVER;
    const handle = this.driver.attach(role, agreed === undefined ? 0 : agreedOf(agreed));
    const other = { name, handle, events: [], wire: Buffer.alloc(0), ended: '' };
    if (handle > 0) this.#others.push(other);
    return Math.min(handle, 0);
  }

  handle(name: string): number {
    const other = this.#others.find((one) => one.name === name);
    if (!other) throw new Error(`no session ${name}`);
    return other.handle;
  }

  name(handle: number): string | undefined {
    return this.#others.find((one) => one.handle === handle)?.name;
  }

  /** Keeps the events that are theirs. */
  see(events: CoreEvent[]): void {
    for (const other of this.#others) {
      other.events.push(...events.filter(({ session }) => session === other.handle));
    }
  }

  /** What came of a stage: events first, then output, if it is written. */
  tell(writes: boolean): string[] {
    return this.#others.flatMap((other) => {
      const lines = eventsShown(other.events);
      other.events = [];
      if (writes) lines.push(...this.#write(other));
      return lines.map((line) => `${other.name}: ${line}`);
    });
  }

  /** Writes `most` bytes of a session's output, and shows all that was written when nothing is left. */
  write(name: string, most = Infinity): string[] {
    const other = this.#others.find((one) => one.name === name);
    if (!other) throw new Error(`no session ${name}`);
    if (most === Infinity) return this.#write(other);
    const { pieces } = this.driver.output(other.handle);
    const bytes = Buffer.concat(
      pieces.map((piece) => piece.bytes ?? Buffer.alloc(piece.length, 'e')),
    );
    this.driver.core.limpet_tx_ack(other.handle, most);
    other.wire = Buffer.concat([other.wire, bytes.subarray(0, most)]);
    return [];
  }

  #write(other: Other): string[] {
    // One that is gone has no output.
    if (!this.driver.info(other.handle)) return [];
    const { bytes, end, abort } = this.driver.drain(other.handle);
    const lines = outputShown(Buffer.concat([other.wire, bytes]), false);
    other.wire = Buffer.alloc(0);
    const ended = abort ? 'abort' : end ? 'end' : '';
    if (ended && ended !== other.ended) lines.push(ended);
    other.ended = ended;
    return lines;
  }

  clear(): void {
    for (const { handle } of this.#others) this.driver.eof(handle);
  }
}

/**
 * Fields of a SelectRecord in words: `openedFrom=1 states=OPEN,CLOSING key=color value=red except=b`.
 *
 * @param at where it will lie; the key and the value lie behind it
 */
export function selectRecord(
  words: string[],
  handleOf: (name: string) => number,
  at: number,
): Buffer {
  let record = Buffer.alloc(SelectRecord.size);
  for (const word of words) {
    const [name = '', value = ''] = word.split('=');
    const field = SelectRecord[name as keyof typeof SelectRecord];
    if (name === 'except') record.writeInt32LE(handleOf(value), field);
    else if (name === 'key' || name === 'value') {
      record.writeUInt32LE(at + record.length, SelectRecord[`${name}Ptr`]);
      record.writeUInt32LE(Buffer.byteLength(value), SelectRecord[`${name}Len`]);
      record = Buffer.concat([record, Buffer.from(value)]);
    } else if (name === 'states') {
      const bits = value.split(',').map((state) => 1 << State[state as keyof typeof State]);
      record.writeUInt32LE(
        bits.reduce((all, bit) => all | bit, 0),
        field,
      );
    } else record.writeBigUInt64LE(BigInt(value), field);
  }
  return record;
}
