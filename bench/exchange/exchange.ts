// What a load generator sends, and how it knows what comes back.

export interface Exchange {
  /** The extensions that it offers. RFC 6455 9.1. */
  offer?: string;
  /** A new connection, whose response had this head. Throws if the server did not agree on what was offered. */
  begin(head: string): Stream;
}

/** Both directions of one connection. */
export interface Stream {
  /** Payload bytes of the echoes that have come completely. */
  bytes: number;
  /** A part of an echo has come, and the rest has not. */
  readonly inside: boolean;
  /** The next `n` frames to send; it is good as long as nobody writes there. */
  next(n: number): Buffer;
  /** Takes the first `length` bytes of `input`, which are checked always, or just if it is due. Throws at a wrong echo. */
  take(input: Buffer, length: number, always: boolean): number;
}
