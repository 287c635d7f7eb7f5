// What the core tells → what a face does with it.

import type { ErrorCode } from '../../build/limpet.abi.js';
import type { Link } from './link.js';

/** What a face does with what happens; called while the events are drained. */
export interface Handlers<Owner> {
  upgrade(link: Link<Owner>): void;
  request(link: Link<Owner>): void;
  /** A client's handshake was accepted by its server. */
  opened(link: Link<Owner>): void;
  message(link: Link<Owner>, data: Buffer, isBinary: boolean): void;
  /**
   * A piece of a message that came in chunks, where `link.streams` is set; else it becomes a message.
   *
   * @param flags EventFlag bits: BEGIN, END
   */
  chunk(link: Link<Owner>, data: Buffer, isBinary: boolean, flags: number): void;
  ping(link: Link<Owner>, data: Buffer): void;
  pong(link: Link<Owner>, data: Buffer): void;
  writable(link: Link<Owner>): void;
  /** The pong of a heartbeat came, after so many ms. */
  heartbeat(link: Link<Owner>, rtt_ms: number): void;
  /** The server is closing; last messages may be sent. */
  closing(link: Link<Owner>): void;
  /** A Close frame went, or came (`remote`); 1005 when it has no code. */
  leaving(link: Link<Owner>, code: number, reason: Buffer, remote: boolean): void;
  /**
   * The peer broke a rule or a time ran out; `code` is the close code or HTTP status that it was told,
   * `detail` what broke the rule, see ErrorCode; of an HTTP head there is as much as came.
   */
  failed(link: Link<Owner>, error: ErrorCode, code: number, detail: number, head: string): void;
  closed(link: Link<Owner>, code: number, reason: string, clean: boolean): void;
  /** Another handler threw. */
  threw(error: unknown): void;
}
