// How many connections each remote address has, over all workers: one count, in the primary.

export class Addresses {
  readonly #counts = new Map<string, number>();
  /** The same, by worker: those of one that is gone are given back. */
  readonly #workers = new Map<number, Map<string, number>>();

  constructor(private readonly most: number) {}

  /** Counts a connection, if its address has not got its share yet. */
  admit(worker: number, address: string): boolean {
    if ((this.#counts.get(address) ?? 0) >= this.most) return false;
    const own = this.#workers.get(worker) ?? new Map<string, number>();
    this.#workers.set(worker, own);
    add(this.#counts, address, 1);
    add(own, address, 1);
    return true;
  }

  left(worker: number, address: string): void {
    const own = this.#workers.get(worker);
    if (!own?.has(address)) return;
    add(own, address, -1);
    add(this.#counts, address, -1);
  }

  /** A worker is gone, with all its connections. */
  forget(worker: number): void {
    const own = this.#workers.get(worker) ?? new Map<string, number>();
    for (const [address, count] of own) add(this.#counts, address, -count);
    this.#workers.delete(worker);
  }
}

function add(counts: Map<string, number>, address: string, by: number): void {
  const count = (counts.get(address) ?? 0) + by;
  if (count > 0) counts.set(address, count);
  else counts.delete(address);
}
