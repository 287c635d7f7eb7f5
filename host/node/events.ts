// The core's event ring → the handlers of a face.

import {
  EventFlag,
  EventKind,
  EventRecord,
  Opcode,
  SessionInfo,
  type ErrorCode,
} from '../../build/limpet.abi.js';
import type { Core } from '../core/core.js';
import { assemble, assembled } from './assembly.js';
import type { Handlers } from './handlers.js';
import type { Link } from './link.js';
import type { Payloads } from './payloads.js';

/** What the events ask of the loop. */
export interface Turn<Owner> {
  /** The link with a user-data word. */
  linkAt(index: number): Link<Owner> | undefined;
  /** Read from a connection at the end of this turn. */
  resumeSoon(link: Link<Owner>): void;
  /** A session is over. */
  forget(link: Link<Owner>): void;
  /** The core may have answered what waited for an acknowledgement. */
  acknowledged(): void;
  /** Write at the end of this turn. */
  schedule(): void;
}

export class Events<Owner> {
  /** Whether handlers are being called: what lies in the ingress region is still needed. */
  draining = false;

  /**
   * @param memory all of linear memory
   */
  constructor(
    private readonly core: Core,
    private readonly memory: Buffer,
    private readonly handlers: Handlers<Owner>,
    private readonly payloads: Payloads,
    private readonly turn: Turn<Owner>,
  ) {}

  /**
   * Tells the handlers what happened; returns how many events there were.
   *
   * A handler that throws does not keep the others from theirs: all payloads are handed out before
   * the next read overwrites them.
   */
  drain(): number {
    if (this.draining) return 0;
    const { u32, ringHead, ringTail, ringBase, ringMask, exports } = this.core;
    this.draining = true;
    const from = u32[ringTail];
    let at = from;
    while (at !== u32[ringHead]) {
      const entry = ringBase + (at & ringMask) * EventRecord.size;
      at = (at + 1) >>> 0;
      try {
        this.#tell(entry);
      } catch (error) {
        this.handlers.threw(error);
      }
    }
    this.draining = false;
    this.payloads.end();
    exports.limpet_event_ack((at - from) >>> 0);
    this.turn.acknowledged();
    // Owed notices became events when there was room for them.
    if (u32[ringHead] !== u32[ringTail]) this.turn.schedule();
    return (at - from) >>> 0;
  }

  #tell(entry: number): void {
    const { u8, u32, i32 } = this.core;
    const word = entry >>> 2;
    const link = this.turn.linkAt(i32[word + (EventRecord.user >> 2)]);
    if (link?.handle !== i32[word + (EventRecord.session >> 2)]) return;
    const flags = u8[entry + EventRecord.flags];
    const code = u8[entry + EventRecord.code] | (u8[entry + EventRecord.code + 1] << 8);
    const ptr = u32[word + (EventRecord.ptr >> 2)];
    const len = u32[word + (EventRecord.len >> 2)];
    switch (u8[entry + EventRecord.kind]) {
      case EventKind.MESSAGE:
        this.handlers.message(link, this.payloads.take(ptr, len), code === Opcode.BINARY);
        return;
      case EventKind.CHUNK:
        this.#chunk(link, flags, ptr, len, code === Opcode.BINARY, entry);
        return;
      case EventKind.PING:
        this.handlers.ping(link, this.payloads.take(ptr, len));
        return;
      case EventKind.PONG:
        this.handlers.pong(link, this.payloads.take(ptr, len));
        return;
      case EventKind.UPGRADE:
        link.path = this.memory.toString('latin1', ptr, ptr + len);
        this.handlers.upgrade(link);
        return;
      case EventKind.REQUEST:
        link.path = this.memory.toString('latin1', ptr, ptr + len);
        this.handlers.request(link);
        return;
      case EventKind.OPEN:
        link.deflates = deflates(this.core, link);
        this.handlers.opened(link);
        return;
      case EventKind.WRITABLE:
        this.handlers.writable(link);
        return;
      case EventKind.READABLE:
        this.turn.resumeSoon(link);
        return;
      case EventKind.CLOSING:
        this.#leaving(link, code, Buffer.from(this.memory.subarray(ptr, ptr + len)), flags);
        return;
      case EventKind.HEARTBEAT:
        this.handlers.heartbeat(link, i32[word + (EventRecord.detail >> 2)]);
        return;
      case EventKind.SHUTDOWN:
        this.handlers.closing(link);
        return;
      case EventKind.ERROR:
        this.#failed(link, word, code, this.memory.toString('latin1', ptr, ptr + len));
        return;
      case EventKind.CLOSED:
        this.turn.forget(link);
        this.handlers.closed(link, code, link.reason, (flags & EventFlag.CLEAN) !== 0);
        return;
      default:
    }
  }

  #chunk(
    link: Link<Owner>,
    flags: number,
    ptr: number,
    len: number,
    isBinary: boolean,
    entry: number,
  ): void {
    if (link.streams) {
      this.handlers.chunk(link, this.payloads.take(ptr, len), isBinary, flags);
      return;
    }
    const remaining = this.core.u32[(entry + EventRecord.remaining) >>> 2];
    assemble(link, flags, this.memory.subarray(ptr, ptr + len), remaining);
    if (flags & EventFlag.END) this.handlers.message(link, assembled(link), isBinary);
  }

  #leaving(link: Link<Owner>, code: number, reason: Buffer, flags: number): void {
    link.reason = reason.toString();
    this.handlers.leaving(link, code, reason, (flags & EventFlag.REMOTE) !== 0);
  }

  #failed(link: Link<Owner>, word: number, code: number, head: string): void {
    const error = this.core.i32[word + (EventRecord.detail >> 2)] as ErrorCode;
    const detail = this.core.u32[word + (EventRecord.remaining >> 2)];
    this.handlers.failed(link, error, code, detail, head);
  }
}

/** Whether a session may compress what it sends. */
export function deflates(core: Core, { handle }: { handle: number }): boolean {
  const info = core.exports.limpet_session_info(handle);
  return info > 0 && core.u8[info + SessionInfo.deflateOut] > 0;
}
