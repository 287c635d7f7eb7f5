// Metadata that is set, deleted and listed at random, and requests that are kept → what the session
// must have of them.

import { State } from '../../build/limpet.abi.js';
import { Driver, ErrorCode, Part } from '../support/driver.js';
import type { Random } from './random.js';
import { Fault } from './watch.js';

/** What is to be kept of requests, for sessions to come; a core without that has nothing to set. */
export function keepSome({ driver, random }: { driver: Driver; random: Random }): void {
  const answer = driver.keep(random.pick(['', '*', 'x-pad', 'Cookie2, X-Pad ,y', 'a b', ',']));
  if (answer > 0) throw new Fault(`limpet_request_keep is ${answer}`);
}

/** The parts of a request that stay the same once it is accepted; undefined where it is not kept. */
export function requestOf(driver: Driver, handle: number): string | undefined {
  const parts = [Part.METHOD, Part.PATH, Part.QUERY, Part.HOST, Part.ORIGIN];
  const told = parts.map((part) => driver.part(handle, part));
  if (told[0] === ErrorCode.STATE || told[0] === ErrorCode.UNSUPPORTED) return undefined;
  const cookies = ['a', 'b'].map((name) => driver.cookie(handle, name));
  return JSON.stringify([...told, ...cookies]);
}

/** What the core keeps for one session, beside what it should. */
export class Known {
  readonly #metadata = new Map<string, Buffer>();
  /** What was kept when the request was accepted. */
  #request: string | undefined;

  constructor(readonly handle: number) {}

  /** limpet_accept answered: what is kept is what the request was before. */
  accepted(driver: Driver, request: string | undefined, answer: number): void {
    if (answer !== 0) return;
    this.#request = requestOf(driver, this.handle);
    if (this.#request === undefined) return;
    if (this.#request !== request) throw new Fault(`of ${request} is kept ${this.#request}`);
    if (!driver.headers(this.handle).some(({ name }) => name === 'Host'))
      throw new Fault('no Host is kept');
  }

  /** Looks whether all is as it was left, and changes something. */
  step(driver: Driver, random: Random): void {
    const { handle } = this;
    const closed = driver.info(handle)?.state === State.CLOSED;
    if (this.#request !== undefined) {
      const request = requestOf(driver, handle);
      if (request !== (closed ? undefined : this.#request))
        throw new Fault(`the request is ${request}, not ${this.#request}`);
    }
    // Now and then as many keys as there are entries.
    if (random.once(20)) {
      for (let i = 0; i < 40; i++) this.#set(driver, `key ${i}`, random.bytes(1));
    }
    const key = random.pick(['a', 'b', 'ab', '\0', 'longer key', 'k'.repeat(12), 'key 7']);
    if (random.once(3)) this.#delete(driver, key);
    else this.#set(driver, key, random.bytes(random.below(21)));
    this.#look(driver);
  }

  #set(driver: Driver, key: string, value: Buffer): void {
    const answer = driver.metaSet(this.handle, key, value);
    const { used, entries } = driver.metaStats();
    if (answer === ErrorCode.UNSUPPORTED) return;
    if (answer === 0) this.#metadata.set(key, value);
    else if (answer !== ErrorCode.METADATA || used < entries || this.#metadata.has(key))
      throw new Fault(`limpet_meta_set is ${answer}`);
  }

  #delete(driver: Driver, key: string): void {
    const answer = driver.metaDelete(this.handle, key);
    if (answer === ErrorCode.UNSUPPORTED) return;
    if (answer !== Number(this.#metadata.delete(key)))
      throw new Fault(`limpet_meta_delete is ${answer}`);
  }

  #look(driver: Driver): void {
    if (driver.metaStats().entries === 0) return;
    const has = driver.metadata(this.handle);
    const shown = (entries: [string, Buffer][]) =>
      entries.map(([key, value]) => `${key}=${value.toString('hex')}`).join();
    const are = shown(has.map(({ name, value }) => [name.toString('latin1'), value]));
    const should = shown([...this.#metadata]);
    if (are !== should) throw new Fault(`the metadata is ${are}, not ${should}`);
  }
}
