// Messages that are written as streams, and what was sent meanwhile → one message after the other.
// RFC 6455 5.4: "The fragments of one message MUST NOT be interleaved between the fragments of another".

import type { Deferred, Link } from './link.js';

/** A message that is written as a stream. */
export interface Turnwise {
  /** It is its turn: its fragments may be sent. */
  begin(): void;
  /** The connection is over, or closes without it. */
  abandon(): void;
}

/** What waits behind the message that is written as a stream, which is the first one. */
export class Line {
  readonly waiting: (Turnwise | Deferred)[] = [];
  /** Of the messages that wait. */
  bytes = 0;
}

/** What is done with what has waited. */
export interface Ways<Owner> {
  /** Sends a message. */
  send(link: Link<Owner>, message: Deferred): void;
  /** Nothing waits any more. */
  emptied(link: Link<Owner>): void;
}

/** The lines of a loop. */
export class Lines<Owner> {
  readonly #links = new Set<Link<Owner>>();

  constructor(private readonly ways: Ways<Owner>) {}

  /** Whether messages have to be sent one by one: some connection's have to wait. */
  get waits(): boolean {
    return this.#links.size > 0;
  }

  /** A stream's first bytes are there: it is its turn now, or when those before it have ended. */
  enter(link: Link<Owner>, stream: Turnwise): void {
    const { waiting } = (link.line ??= new Line());
    this.#links.add(link);
    waiting.push(stream);
    if (waiting.length === 1) stream.begin();
  }

  /** Keeps a message behind what is there. */
  add(link: Link<Owner>, kind: number, data: string | Uint8Array): void {
    const kept = Buffer.from(data as Uint8Array);
    link.line?.waiting.push({ kind, data: kept });
    if (link.line) link.line.bytes += kept.length;
  }

  /** A stream has ended, or never began. */
  leave(link: Link<Owner>, stream: Turnwise): void {
    const { line } = link;
    const at = line?.waiting.indexOf(stream) ?? -1;
    if (!line || at < 0) return;
    line.waiting.splice(at, 1);
    if (at > 0) return;
    for (let next = line.waiting.at(0); next; next = line.waiting.at(0)) {
      if ('begin' in next) {
        next.begin();
        return;
      }
      line.waiting.shift();
      line.bytes -= next.data.length;
      this.ways.send(link, next);
    }
    this.#links.delete(link);
    link.line = undefined;
    this.ways.emptied(link);
  }

  /** The connection is over, or closes: nothing waits for it. */
  forget(link: Link<Owner>): void {
    const { line } = link;
    if (!line) return;
    this.#links.delete(link);
    link.line = undefined;
    for (const next of line.waiting) if ('begin' in next) next.abandon();
  }
}
