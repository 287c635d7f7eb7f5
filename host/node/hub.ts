// Topics and selections → rooms, members, and what all of them are sent: the hub of the core, in
// strings.
//
//   publish ─► limpet_publish_room, limpet_publish     the frame is made once, in linear memory
//           ─► Outbox.sendMany                         what the core has no room for, one by one

import {
  ErrorCode,
  PublishRecord,
  RoomRecord,
  SelectRecord,
  State,
} from '../../build/limpet.abi.js';
import type { Core } from '../core/core.js';
import type { Link } from './link.js';
import type { Outbox, Published } from './outbox.js';
import { place } from './scratch.js';

/** Sessions that subscribed to one topic, or to one pattern of topics. */
export interface Room {
  topic: string;
  /** Whether the topic is a pattern, with `+` or `#`. */
  wildcard: boolean;
  members: number;
  /** Messages published to it, and their payload bytes. */
  messages: number;
  bytes: number;
}

/** Connections for which all of this holds; what is left out holds for all. */
export interface Selection {
  /** Opened at this moment of `performance.now()` or later. */
  openedFrom?: number;
  /** Opened before this moment. */
  openedUntil?: number;
  /** Messages received and sent: at least, at most. */
  messagesInFrom?: number;
  messagesInTo?: number;
  messagesOutFrom?: number;
  messagesOutTo?: number;
  /** A key of their metadata, and the value that it has; without one any value. */
  metadata?: { key: string; value?: string };
  /** What they are. Default open. */
  states?: readonly ('open' | 'closing' | 'ending')[];
}

const STATES = { open: State.OPEN, closing: State.CLOSING, ending: State.ENDING };
const MEMBERS_PAGE = 1024;

/** Bounds of a Selection and their fields in the core's record. */
const BOUNDS = [
  ['openedFrom', SelectRecord.openedFrom],
  ['openedUntil', SelectRecord.openedUntil],
  ['messagesInFrom', SelectRecord.messagesInFrom],
  ['messagesInTo', SelectRecord.messagesInTo],
  ['messagesOutFrom', SelectRecord.messagesOutFrom],
  ['messagesOutTo', SelectRecord.messagesOutTo],
] as const;
const NAMES: readonly string[] = [...BOUNDS.map(([name]) => name), 'metadata', 'states'];

/** What the hub asks of the loop. */
export interface Turn<Owner> {
  link(handle: number): Link<Owner> | undefined;
  /** Write at the end of this turn. */
  schedule(): void;
  /** Write now. */
  flush(): void;
}

export class Hub<Owner> {
  readonly #sendMax: number;

  constructor(
    private readonly core: Core,
    private readonly memory: Buffer,
    private readonly outbox: Outbox<Owner>,
    private readonly turn: Turn<Owner>,
  ) {
    this.#sendMax = core.exports.limpet_send_max();
  }

  /** Whether the core was built with topics. */
  get isThere(): boolean {
    return this.core.exports.limpet_room_next(0) >= 0;
  }

  // ------------------------------------------------------------------- rooms

  /** Whether the session was not in the room; false, too, for one that is not open. Throws LimpetError. */
  subscribe(handle: number, topic: string): boolean {
    const { ptr, len } = this.#topic(topic);
    const answer = this.core.exports.limpet_subscribe(handle, ptr, len);
    if (answer === (ErrorCode.HANDLE as number) || answer === (ErrorCode.STATE as number)) {
      return false;
    }
    return this.#checked('subscribing to', topic, answer) === 1;
  }

  /** Whether the session was in the room. Throws LimpetError. */
  unsubscribe(handle: number, topic: string): boolean {
    const { ptr, len } = this.#topic(topic);
    const answer = this.core.exports.limpet_unsubscribe(handle, ptr, len);
    if (answer === (ErrorCode.HANDLE as number)) return false;
    return this.#checked('unsubscribing from', topic, answer) === 1;
  }

  isSubscribed(handle: number, topic: string): boolean {
    const { ptr, len } = this.#topic(topic);
    return this.core.exports.limpet_subscribed(handle, ptr, len) === 1;
  }

  /** The topics and patterns of a session. */
  topics(handle: number): string[] {
    const { exports } = this.core;
    return this.#walk((room) => exports.limpet_session_room_next(handle, room)).map(
      ({ topic }) => topic,
    );
  }

  rooms(): Room[] {
    return this.#walk((room) => this.core.exports.limpet_room_next(room));
  }

  room(topic: string): Room | undefined {
    const { ptr, len } = this.#topic(topic);
    const record = this.core.exports.limpet_room(ptr, len);
    return record > 0 ? this.#roomAt(record) : undefined;
  }

  /** Links of a room's members. */
  members(topic: string): Link<Owner>[] {
    const { core } = this;
    const { ptr, len } = this.#topic(topic);
    // The page lies behind the topic, at a word's border.
    const page = (ptr + len + 3) & ~3;
    const most = Math.min(MEMBERS_PAGE, (core.scratch + core.scratchSize - page) >> 2);
    const links: Link<Owner>[] = [];
    let after = 0;
    for (;;) {
      const count = core.exports.limpet_room_members(ptr, len, after, page, most);
      for (let i = 0; i < count; i++) {
        after = core.i32[(page >> 2) + i];
        const link = this.turn.link(after);
        if (link) links.push(link);
      }
      if (count < most) return links;
    }
  }

  #walk(next: (room: number) => number): Room[] {
    const all: Room[] = [];
    for (let record = next(0); record > 0; record = next(record)) all.push(this.#roomAt(record));
    return all;
  }

  #roomAt(record: number): Room {
    const { view } = this.core;
    const u32 = (offset: number) => view.getUint32(record + offset, true);
    const ptr = u32(RoomRecord.ptr);
    return {
      topic: this.memory.toString('utf8', ptr, ptr + u32(RoomRecord.len)),
      wildcard: u32(RoomRecord.wildcard) !== 0,
      members: u32(RoomRecord.members),
      messages: Number(view.getBigUint64(record + RoomRecord.messages, true)),
      bytes: Number(view.getBigUint64(record + RoomRecord.bytes, true)),
    };
  }

  // ----------------------------------------------------------------- sending

  /**
   * Sends a message to all members of all rooms whose topic or pattern matches.
   *
   * @param except the handle of a session that is left out, 0 for none
   * @throws LimpetError for a topic that cannot be published to
   */
  publish(topic: string, kind: number, data: string | Uint8Array, except: number): Published {
    const { exports } = this.core;
    return (
      this.#together(data, (at, length) => {
        const { ptr, len } = this.#topic(topic);
        const record = exports.limpet_publish(ptr, len, kind, at, length, except);
        return this.#checked('publishing to', topic, record);
      }) ?? this.outbox.sendMany(this.#reached(topic, except), kind, data)
    );
  }

  /** Sends a message to all sessions of a selection. Throws TypeError or RangeError. */
  broadcast(
    selection: Selection,
    except: number,
    kind: number,
    data: string | Uint8Array,
  ): Published {
    const { exports } = this.core;
    const all = except === 0 && Object.keys(selection).length === 0;
    return (
      this.#together(data, (at, length) => {
        const record = all ? 0 : this.#select(selection, except);
        return this.core.check('broadcasting', exports.limpet_broadcast(record, kind, at, length));
      }) ?? this.outbox.sendMany(this.select(selection, except), kind, data)
    );
  }

  /** Links of the sessions of a selection. Throws TypeError or RangeError. */
  select(selection: Selection, except = 0): Link<Owner>[] {
    checkSelection(selection);
    const record = this.#select(selection, except);
    const links: Link<Owner>[] = [];
    let handle = 0;
    for (;;) {
      handle = this.core.check('selecting', this.core.exports.limpet_select(record, handle));
      if (handle === 0) return links;
      const link = this.turn.link(handle);
      if (link) links.push(link);
    }
  }

  /**
   * Lets the core make the frame and queue it; undefined when the payload is too long for that, or when
   * messages wait in Node's memory that have to come first.
   *
   * @param call gets where the payload is; answers with a PublishRecord
   */
  #together(
    data: string | Uint8Array,
    call: (at: number, length: number) => number,
  ): Published | undefined {
    const { u32 } = this.core;
    const length = typeof data === 'string' ? Buffer.byteLength(data) : data.length;
    if (this.outbox.waits || length > this.#sendMax) return undefined;
    const at = this.#payloadPlace(data, length);
    if (at === 0) return undefined;
    let record: number;
    try {
      record = call(at, length);
    } catch (error) {
      // What is not published gives the place back: a refused call does.
      this.core.exports.limpet_publish_room(-1);
      throw error;
    }
    if (u32[(record + PublishRecord.flush) >>> 2] !== 0) this.turn.flush();
    else this.turn.schedule();
    return {
      delivered: u32[(record + PublishRecord.delivered) >>> 2],
      over: u32[(record + PublishRecord.over) >>> 2],
      dropped: u32[(record + PublishRecord.dropped) >>> 2],
    };
  }

  /** Puts a payload where it will be sent from, if there is room for it; 0 when there is none. */
  #payloadPlace(data: string | Uint8Array, length: number): number {
    if (typeof data !== 'string' && data.buffer === this.memory.buffer) return data.byteOffset;
    const { exports } = this.core;
    let at = exports.limpet_publish_room(length);
    if (at === (ErrorCode.MEMORY as number)) {
      // What was published in this turn may be what is in the way.
      this.turn.flush();
      at = exports.limpet_publish_room(length);
    }
    if (at === (ErrorCode.MEMORY as number)) return 0;
    this.core.check('publishing', at);
    if (typeof data === 'string') this.memory.write(data, at, length, 'utf8');
    else this.memory.set(data, at);
    return at;
  }

  /** Links of the sessions that a topic reaches, each once. */
  #reached(topic: string, except: number): Link<Owner>[] {
    const { exports } = this.core;
    const { ptr, len } = this.#topic(topic);
    const links: Link<Owner>[] = [];
    let handle = 0;
    for (;;) {
      const answer = exports.limpet_topic_next(ptr, len, handle);
      handle = this.#checked('publishing to', topic, answer);
      if (handle === 0) return links;
      const link = handle === except ? undefined : this.turn.link(handle);
      if (link) links.push(link);
    }
  }

  #topic(topic: string): { ptr: number; len: number } {
    return place(this.core, this.memory, [topic])[0];
  }

  /** Puts a SelectRecord with its strings into the scratch region. */
  #select(selection: Selection, except: number): number {
    const { core } = this;
    const { view, scratch } = core;
    const { metadata, states = [] } = selection;
    core.u8.fill(0, scratch, scratch + SelectRecord.size);
    for (const [name, offset] of BOUNDS) {
      const bound = selection[name];
      if (bound === undefined) continue;
      // The core takes 0 as no bound, and that is what "at least 0" is.
      const least = name.endsWith('To') || name === 'openedUntil' ? 1 : 0;
      if (!(bound >= least) || !Number.isFinite(bound)) {
        throw new RangeError(`${name} is a number from ${String(least)} on, not ${String(bound)}`);
      }
      view.setBigUint64(scratch + offset, BigInt(Math.ceil(bound)), true);
    }
    const bits = states.reduce((all, state) => {
      if (!Object.hasOwn(STATES, state)) throw new TypeError(`no connection is ${String(state)}`);
      return all | (1 << STATES[state]);
    }, 0);
    view.setUint32(scratch + SelectRecord.states, bits, true);
    view.setInt32(scratch + SelectRecord.except, except, true);
    if (metadata) {
      const { key, value } = metadata;
      const [k, v] = place(core, this.memory, [key, value ?? ''], SelectRecord.size);
      view.setUint32(scratch + SelectRecord.keyPtr, k.ptr, true);
      view.setUint32(scratch + SelectRecord.keyLen, k.len, true);
      view.setUint32(scratch + SelectRecord.valuePtr, value === undefined ? 0 : v.ptr, true);
      view.setUint32(scratch + SelectRecord.valueLen, v.len, true);
    }
    return scratch;
  }

  /** Passes an answer on, or throws what the core has against it. */
  #checked(doing: string, topic: string, answer: number): number {
    if (answer >= 0) return answer;
    return this.core.check(`${doing} ${JSON.stringify(topic)}`, answer);
  }
}

/** Rooms of several cores: those of one topic as one. Their members are different, the messages the same. */
export function joinRooms(all: Iterable<Room>): Room[] {
  const rooms = new Map<string, Room>();
  for (const room of all) {
    const other = rooms.get(room.topic);
    const members = room.members + (other?.members ?? 0);
    const messages = Math.max(room.messages, other?.messages ?? 0);
    const bytes = Math.max(room.bytes, other?.bytes ?? 0);
    rooms.set(room.topic, { ...room, members, messages, bytes });
  }
  return [...rooms.values()];
}

/** Throws TypeError for what is no selection: it must not be taken for the one of all. */
export function checkSelection(selection: unknown): void {
  if (typeof selection !== 'object' || selection === null || Array.isArray(selection)) {
    throw new TypeError(`a selection is an object of ${NAMES.join(', ')}`);
  }
  for (const name of Object.keys(selection)) {
    if (!NAMES.includes(name)) throw new TypeError(`a selection has no ${name}`);
  }
  const { metadata } = selection as { metadata?: { key: unknown; value?: unknown } | null };
  if (metadata === undefined) return;
  if (typeof metadata?.key !== 'string' || typeof (metadata.value ?? '') !== 'string') {
    throw new TypeError('metadata of a selection is a key and, if need be, a value: strings');
  }
}
