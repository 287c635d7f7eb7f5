// Bytes, calls and time → one instance of the core → its events and its output, as plain objects.
//
// A driver is a host without sockets: it keeps the rules of the ABI (what limpet_rx did not take is
// kept and offered again, events are copied before they are acknowledged, output is acknowledged as
// written), and it keeps no rule of the protocol.

import {
  ErrorCode,
  EventFlag,
  EventKind,
  EventRecord,
  EventRing,
  FieldRecord,
  Option,
  Part,
  Role,
  SessionInfo,
  Span,
  StatsRecord,
  StatsRecordTypes,
  TxFlag,
  TxRecord,
} from '../../build/limpet.abi.js';
import { Instance } from './instance.js';

/** An event with a copy of what it pointed at. */
export interface CoreEvent {
  kind: EventKind;
  flags: number;
  code: number;
  session: number;
  data: Buffer;
  user: number;
  detail: number;
  remaining: number;
}

/** What limpet_tx said: bytes, `null` where the host's own payload goes. */
export interface Output {
  pieces: { bytes: Buffer | null; length: number }[];
  length: number;
  end: boolean;
  abort: boolean;
  more: boolean;
}

/** What a SessionInfo says of heartbeats. */
type HeartbeatFigure =
  'heartbeats' | 'heartbeatsAnswered' | 'rttLast' | 'rttLeast' | 'rttMost' | 'rttSmoothed';

export class Driver extends Instance {
  /** The host's clock, ms. */
  now = 1000;
  /** Whether input is put at the end of the ingress region, so that no byte follows it there. */
  flush = false;

  // ------------------------------------------------------------------ sessions

  open(): number {
    return this.core.limpet_open(this.now);
  }

  /** `deflate` as limpet_attach has it. */
  attach(role: Role, deflate = 0): number {
    return this.core.limpet_attach(role, deflate, this.now);
  }

  seed(bytes: Uint8Array = Buffer.alloc(32, 0x5a)): number {
    const [ptr = 0, length = 0] = this.pass(bytes);
    return this.core.limpet_seed(ptr, length);
  }

  connect(target: string, host: string, protocols = '', headers = ''): number {
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = this.pass(
      target,
      host,
      protocols,
      headers,
    );
    return this.core.limpet_connect(a, b, c, d, e, f, g, h, this.now);
  }

  eof(handle: number): number {
    return this.core.limpet_eof(handle, this.now);
  }

  tick(ms = 0): number {
    this.now += ms;
    return this.core.limpet_tick(this.now | 0);
  }

  shutdown(timeout_ms: number, code = 0): number {
    return this.core.limpet_shutdown(timeout_ms, code, this.now | 0);
  }

  option(handle: number, option: Option): number {
    return this.core.limpet_option_get(handle, option);
  }

  setOption(handle: number, option: Option, value: number): number {
    return this.core.limpet_option_set(handle, option, value);
  }

  // ----------------------------------------------------------------- receiving

  /**
   * Offers bytes once, at most one ingress region of them and no more than there is room for.
   *
   * @returns how many were taken, or an ErrorCode
   */
  rx(handle: number, bytes: Uint8Array): number {
    const room = this.core.limpet_rx_room(handle);
    if (room < 0) return room;
    const piece = bytes.subarray(0, Math.min(room, this.ingressBytes));
    const at = this.flush ? this.ingress + this.ingressBytes - piece.length : this.ingress;
    this.write(at, piece);
    return this.core.limpet_rx(handle, at, piece.length, this.now | 0);
  }

  /**
   * Feeds bytes, acknowledging events as they come, until neither bytes nor events move any more.
   *
   * @returns the events, and the bytes that the session does not take now
   */
  feed(handle: number, bytes: Uint8Array): { events: CoreEvent[]; left: Uint8Array } {
    const events: CoreEvent[] = [];
    let left = bytes;
    while (true) {
      const taken = this.rx(handle, left);
      if (taken < 0) throw new Error(`limpet_rx: ${errorName(taken)}`);
      left = left.subarray(taken);
      const came = this.peek();
      if (came.length) this.core.limpet_event_ack(came.length);
      events.push(...came.filter(({ kind }) => kind !== EventKind.NONE));
      if (came.length === 0 && (taken === 0 || left.length === 0)) return { events, left };
    }
  }

  /** The events in the ring, which stay there. */
  peek(): CoreEvent[] {
    const ring = this.core.limpet_events();
    const head = this.u32(ring + EventRing.head);
    const mask = this.u32(ring + EventRing.mask);
    const base = this.u32(ring + EventRing.base);
    const events: CoreEvent[] = [];
    for (let i = this.u32(ring + EventRing.tail); i !== head; i = (i + 1) >>> 0) {
      events.push(this.#event(base + ((i & mask) >>> 0) * EventRecord.size));
    }
    return events;
  }

  /** Takes the events out of the ring. */
  events(): CoreEvent[] {
    const events = this.peek();
    if (events.length) this.core.limpet_event_ack(events.length);
    return events.filter(({ kind }) => kind !== EventKind.NONE);
  }

  #event(at: number): CoreEvent {
    return {
      kind: this.memory.readUInt8(at + EventRecord.kind) as EventKind,
      flags: this.memory.readUInt8(at + EventRecord.flags),
      code: this.view.getUint16(at + EventRecord.code, true),
      session: this.view.getInt32(at + EventRecord.session, true),
      data: this.copy(this.u32(at + EventRecord.ptr), this.u32(at + EventRecord.len)),
      user: this.view.getInt32(at + EventRecord.user, true),
      detail: this.view.getInt32(at + EventRecord.detail, true),
      remaining: this.u32(at + EventRecord.remaining),
    };
  }

  // ------------------------------------------------------------------- sending

  /** What is to be written now; it stays queued. */
  output(handle: number): Output {
    const record = this.core.limpet_tx(handle);
    if (record < 0) throw new Error(`limpet_tx: ${errorName(record)}`);
    const pieces: Output['pieces'] = [];
    for (let i = 0; i < this.u32(record + TxRecord.count); i++) {
      const span = record + TxRecord.size + i * Span.size;
      const ptr = this.u32(span + Span.ptr);
      const length = this.u32(span + Span.len);
      pieces.push({ bytes: ptr ? this.copy(ptr, length) : null, length });
    }
    const flags = this.u32(record + TxRecord.flags);
    return {
      pieces,
      length: this.u32(record + TxRecord.bytes),
      end: (flags & TxFlag.END) !== 0,
      abort: (flags & TxFlag.ABORT) !== 0,
      more: (flags & TxFlag.MORE) !== 0,
    };
  }

  /** Writes all that is queued; the host's own payloads are `e` bytes. */
  drain(handle: number): { bytes: Buffer; end: boolean; abort: boolean } {
    const written: Buffer[] = [];
    while (true) {
      const { pieces, length, end, abort, more } = this.output(handle);
      for (const piece of pieces) written.push(piece.bytes ?? Buffer.alloc(piece.length, 'e'));
      if (length) this.core.limpet_tx_ack(handle, length);
      if (!more) return { bytes: Buffer.concat(written), end, abort };
    }
  }

  // -------------------------------------------------------------------- telling

  /** A part of the request head of a PENDING session, or of one that is kept; or an ErrorCode. */
  part(handle: number, part: Part): string | number {
    return this.#value(this.core.limpet_request_part(handle, part));
  }

  /** Sets which header fields are kept past the handshake. */
  keep(names: string): number {
    const [ptr = 0, length = 0] = this.pass(names);
    return this.core.limpet_request_keep(ptr, length);
  }

  /** A header field of the request by its name, or an ErrorCode. */
  header(handle: number, name: string): string | number {
    const [ptr = 0, length = 0] = this.pass(name);
    return this.#value(this.core.limpet_header(handle, ptr, length));
  }

  /** A cookie of the request by its name, or an ErrorCode. */
  cookie(handle: number, name: string): string | number {
    const [ptr = 0, length = 0] = this.pass(name);
    return this.#value(this.core.limpet_cookie(handle, ptr, length));
  }

  #value(field: number): string | number {
    return field < 0 ? field : this.#field(field).value;
  }

  #pair(at: number): { name: Buffer; value: Buffer } {
    const bytes = (ptr: number, len: number) => this.copy(this.u32(at + ptr), this.u32(at + len));
    return {
      name: bytes(FieldRecord.namePtr, FieldRecord.nameLen),
      value: bytes(FieldRecord.ptr, FieldRecord.len),
    };
  }

  #field(at: number): { name: string; value: string } {
    const { name, value } = this.#pair(at);
    return { name: name.toString('latin1'), value: value.toString('latin1') };
  }

  /** The fields of the request head of a PENDING session, or those that are kept. */
  headers(handle: number): { name: string; value: string }[] {
    const fields: { name: string; value: string }[] = [];
    // The record is at one place always, but each call fills it anew.
    const record = this.core.limpet_request_part(handle, Part.HEAD);
    for (let cursor = 0; ;) {
      cursor = this.core.limpet_header_next(handle, cursor);
      if (cursor === ErrorCode.ABSENT) return fields;
      if (cursor < 0) throw new Error(`limpet_header_next: ${errorName(cursor)}`);
      fields.push(this.#field(record));
    }
  }

  /** The subprotocols that a PENDING session's client offers. */
  protocols(handle: number): string[] {
    const offered: string[] = [];
    for (let index = 0; ; index++) {
      const field = this.core.limpet_protocol_at(handle, index);
      if (field < 0) return offered;
      offered.push(this.#field(field).value);
    }
  }

  // ------------------------------------------------------------------ metadata

  metaSet(handle: number, key: string | Uint8Array, value: string | Uint8Array): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.pass(key, value);
    return this.core.limpet_meta_set(handle, a, b, c, d);
  }

  /** The value that a session has under a key, or an ErrorCode. */
  metaGet(handle: number, key: string | Uint8Array): Buffer | number {
    const [ptr = 0, length = 0] = this.pass(key);
    const field = this.core.limpet_meta_get(handle, ptr, length);
    return field < 0 ? field : this.#pair(field).value;
  }

  metaDelete(handle: number, key: string | Uint8Array): number {
    const [ptr = 0, length = 0] = this.pass(key);
    return this.core.limpet_meta_delete(handle, ptr, length);
  }

  /** The keys and values of a session, in their order. */
  metadata(handle: number): { name: Buffer; value: Buffer }[] {
    const entries: { name: Buffer; value: Buffer }[] = [];
    for (let key = 0; ;) {
      const field = this.core.limpet_meta_next(handle, key);
      if (field === ErrorCode.ABSENT) return entries;
      if (field < 0) throw new Error(`limpet_meta_next: ${errorName(field)}`);
      entries.push(this.#pair(field));
      key = this.u32(field + FieldRecord.namePtr);
    }
  }

  // ------------------------------------------------------------------- looking

  /** Entries of metadata: in use, the most at once, in the pool, and how often one was wanted in vain. */
  metaStats(): Record<'used' | 'peak' | 'entries' | 'full', number> {
    const at = this.core.limpet_stats();
    return {
      used: this.u32(at + StatsRecord.metadataUsed),
      peak: this.u32(at + StatsRecord.metadataPeak),
      entries: this.u32(at + StatsRecord.metadata),
      full: this.u64(at + StatsRecord.metadataFull),
    };
  }

  stats(): Record<'active' | 'arenaUsed' | 'arenaPeak' | 'arena' | 'sessions', number> {
    const at = this.core.limpet_stats();
    return {
      active: this.u32(at + StatsRecord.active),
      arenaUsed: this.u32(at + StatsRecord.arenaUsed),
      arenaPeak: this.u32(at + StatsRecord.arenaPeak),
      arena: this.u32(at + StatsRecord.arena),
      sessions: this.u32(at + StatsRecord.sessions),
    };
  }

  /** A counter of the module, by its name in StatsRecord. */
  counter(name: string): number {
    const field = name as keyof typeof StatsRecordTypes;
    const at = this.core.limpet_stats() + StatsRecord[field];
    return StatsRecordTypes[field] === 'u64' ? this.u64(at) : this.u32(at);
  }

  info(
    handle: number,
  ):
    | Record<
        'state' | 'queued' | 'closeCode' | 'deflateIn' | 'deflateOut' | HeartbeatFigure,
        number
      >
    | undefined {
    const at = this.core.limpet_session_info(handle);
    if (at < 0) return undefined;
    return {
      state: this.memory.readUInt8(at + SessionInfo.state),
      queued: this.u32(at + SessionInfo.queued),
      closeCode: this.view.getUint16(at + SessionInfo.closeCode, true),
      deflateIn: this.memory.readUInt8(at + SessionInfo.deflateIn),
      deflateOut: this.memory.readUInt8(at + SessionInfo.deflateOut),
      heartbeats: this.u32(at + SessionInfo.heartbeats),
      heartbeatsAnswered: this.u32(at + SessionInfo.heartbeatsAnswered),
      rttLast: this.u32(at + SessionInfo.rttLast),
      rttLeast: this.u32(at + SessionInfo.rttLeast),
      rttMost: this.u32(at + SessionInfo.rttMost),
      rttSmoothed: this.u32(at + SessionInfo.rttSmoothed),
    };
  }
}

/** The name of an entry of a table of the ABI. */
export function nameOf(table: Record<string, number>, value: number): string {
  return Object.entries(table).find(([, number]) => number === value)?.[0] ?? String(value);
}

export function errorName(code: number): string {
  return nameOf(ErrorCode, code);
}

export { ErrorCode, EventFlag, EventKind, Option, Part, Role };
