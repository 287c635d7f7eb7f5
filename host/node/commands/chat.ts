// The chat of `limpet serve --chat`. A room is the topic `chat/ROOM`, a name is metadata, and who is
// typing is published to all in the room but who types. Messages are JSON with a `type`:
//
//   page   ─► join { room, name }   say { text }   typing { on }   leave
//   server ─► rooms { rooms }       joined { room, you, members }  came { id, name }  gone { id }
//             said { id, name, text }   typing { id, on }   left   error { message }

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ErrorCode } from '../../../build/limpet.abi.js';
import { LimpetError } from '../../core/core.js';
import type { Request } from '../request.js';
import type { Server } from '../server.js';
import type { Socket } from '../socket.js';
import { UsageError } from './arguments.js';

const PATH = '/chat';
const PREFIX = 'chat/';
/** The topic on which the list of rooms is published. */
const LOBBY = 'lobby';
const NAME = 'name';

/** Longest name of a room or a person, and longest message, in UTF-16 code units. */
const NAME_MAX = 24;
const TEXT_MAX = 2000;
/**
 * Longest name that is put together to letters with their marks: at most four code units, as in
 * Greek, make one. What that costs grows with the square of the length. UAX 15.
 */
const NAME_GIVEN_MAX = 4 * NAME_MAX;
/** How many rooms, and members of a room, are listed. */
const ROOMS_LISTED = 100;
const MEMBERS_LISTED = 200;
/** How often the list of rooms is published while it changes, ms. */
const ROOMS_MS = 100;

/** What names are made of: no control or formatting characters; and what means something in a topic. */
const NAMES = /^[\p{L}\p{M}\p{N}\p{S}\p{P} ]+$/u;
const TOPIC_SIGNS = /[/+#]/;

/** What a page may send; its fields are looked at before they are used. */
type Asked = Record<string, unknown>;

/** Something that a page is told, and that it can put right. */
class Refusal extends Error {}

export class Chat {
  readonly #page = readFileSync(new URL('./chat.html', import.meta.url));
  readonly #headers = {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': policyOf(this.#page.toString()),
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
  };
  /** Who is in which room; a connection that is over has no metadata any more. */
  readonly #rooms = new Map<Socket, string>();
  #announcing: NodeJS.Timeout | undefined;

  /** Throws UsageError when the server's core cannot have rooms, or names. */
  constructor(private readonly server: Server) {
    const { exports } = server.core;
    const answers = [exports.limpet_room_next(0), exports.limpet_meta_next(0, 0)];
    if (answers.includes(ErrorCode.UNSUPPORTED)) {
      throw new UsageError('--chat needs a profile with rooms and metadata');
    }
    server.on('request', (request) => {
      this.#request(request);
    });
    server.on('upgrade', (request) => {
      if (request.path === PATH) request.accept();
      else request.reject(404);
    });
    server.on('open', (socket) => {
      try {
        socket.subscribe(LOBBY);
      } catch (error) {
        if (!(error instanceof LimpetError)) throw error;
        socket.close(1013, 'the chat is full');
        return;
      }
      tell(socket, { type: 'rooms', rooms: this.#list() });
    });
    server.on('message', (socket, data, isBinary) => {
      try {
        this.#message(socket, parsed(data, isBinary));
      } catch (error) {
        tell(socket, { type: 'error', message: explained(error) });
      }
    });
    server.on('close', (socket) => {
      this.#leave(socket);
    });
  }

  #request(request: Request): void {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      request.respond(405, { headers: { Allow: 'GET, HEAD' } });
    } else if (request.path === '/') {
      request.respond(200, { headers: this.#headers, body: this.#page });
    } else {
      request.respond(404, { headers: { 'Content-Type': 'text/plain' }, body: 'not found\n' });
    }
  }

  #message(socket: Socket, asked: Asked): void {
    const room = this.#rooms.get(socket);
    if (asked.type === 'join') {
      this.#join(socket, nameOf('a room', asked.room), nameOf('a person', asked.name));
    } else if (room === undefined) {
      throw new Refusal('join a room first');
    } else if (asked.type === 'say') {
      this.#say(socket, room, asked.text);
    } else if (asked.type === 'typing') {
      const typing = { type: 'typing', id: socket.id, on: asked.on === true };
      socket.publish(PREFIX + room, JSON.stringify(typing));
    } else if (asked.type === 'leave') {
      this.#leave(socket);
      tell(socket, { type: 'left' });
    } else {
      throw new Refusal('there are join, say, typing and leave');
    }
  }

  #join(socket: Socket, room: string, name: string): void {
    const topic = PREFIX + room;
    const others = this.server.members(topic).filter((member) => member !== socket);
    const same = name.toLowerCase();
    if (others.some(({ metadata }) => metadata.get(NAME)?.toLowerCase() === same)) {
      throw new Refusal(`there is ${name} in this room already`);
    }
    const before = this.#rooms.get(socket);
    // What can fail comes before what the others are told.
    if (before !== room) socket.subscribe(topic);
    try {
      socket.metadata.set(NAME, name);
    } catch (error) {
      if (before !== room) socket.unsubscribe(topic);
      throw error;
    }
    if (before !== undefined && before !== room) this.#leave(socket);
    this.#rooms.set(socket, room);
    socket.publish(topic, JSON.stringify({ type: 'came', id: socket.id, name }));
    const members = [socket, ...others]
      .slice(0, MEMBERS_LISTED)
      .map(({ id, metadata }) => ({ id, name: metadata.get(NAME) ?? '' }));
    tell(socket, { type: 'joined', room, you: socket.id, members });
    this.#announce();
  }

  #say(socket: Socket, room: string, text: unknown): void {
    if (typeof text !== 'string' || text.trim() === '') throw new Refusal('say something');
    if (text.length > TEXT_MAX) {
      throw new Refusal(`a message has at most ${String(TEXT_MAX)} characters`);
    }
    const name = socket.metadata.get(NAME) ?? '';
    this.server.publish(
      PREFIX + room,
      JSON.stringify({ type: 'said', id: socket.id, name, text: text.trim() }),
    );
  }

  /** Also for a connection that is over: its subscriptions are gone by themselves then. */
  #leave(socket: Socket): void {
    const room = this.#rooms.get(socket);
    if (room === undefined) return;
    this.#rooms.delete(socket);
    socket.unsubscribe(PREFIX + room);
    this.server.publish(PREFIX + room, JSON.stringify({ type: 'gone', id: socket.id }));
    this.#announce();
  }

  /** Publishes the list of rooms, soon: many may come and go at once. */
  #announce(): void {
    this.#announcing ??= setTimeout(() => {
      this.#announcing = undefined;
      this.server.publish(LOBBY, JSON.stringify({ type: 'rooms', rooms: this.#list() }));
    }, ROOMS_MS).unref();
  }

  /** The rooms with the most members, and how many there are in each. */
  #list(): { name: string; members: number }[] {
    return this.server
      .rooms()
      .filter(({ topic }) => topic.startsWith(PREFIX))
      .map(({ topic, members }) => ({ name: topic.slice(PREFIX.length), members }))
      .sort((a, b) => b.members - a.members || (a.name < b.name ? -1 : 1))
      .slice(0, ROOMS_LISTED);
  }
}

function tell(socket: Socket, what: object): void {
  socket.send(JSON.stringify(what));
}

function parsed(data: Buffer, isBinary: boolean): Asked {
  let value: unknown;
  try {
    value = isBinary ? undefined : JSON.parse(data.toString());
  } catch {
    // What is no JSON is no object either.
  }
  if (typeof value !== 'object' || value === null) throw new Refusal('a message is a JSON object');
  return value as Asked;
}

function nameOf(whose: 'a room' | 'a person', name: unknown): string {
  const trimmed = typeof name === 'string' ? name.trim() : '';
  if (trimmed === '') throw new Refusal(`${whose} has a name`);
  const given = trimmed.length > NAME_GIVEN_MAX ? trimmed : trimmed.normalize('NFC');
  if (given.length > NAME_MAX) {
    throw new Refusal(`the name of ${whose} has at most ${String(NAME_MAX)} characters`);
  }
  if (!NAMES.test(given)) {
    throw new Refusal(`the name of ${whose} is letters, digits and signs`);
  }
  if (whose === 'a room' && TOPIC_SIGNS.test(given)) {
    throw new Refusal('the name of a room is without / + #');
  }
  return given;
}

/** What a page is told of an error; one that is not its own is the server's. */
function explained(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  if (!(error instanceof LimpetError)) throw error;
  if (error.code === ErrorCode.ROOMS) return 'there are as many rooms as there can be';
  if (error.code === ErrorCode.MEMBERSHIPS) return 'all rooms are full';
  if (error.code === ErrorCode.METADATA) return 'there is no place for another name';
  // Names that are short enough for people may be too long for a small core.
  return 'that name is too long here';
}

/** The policy under which the page's own script and style run, and no others. */
function policyOf(page: string): string {
  const hashOf = (tag: string) => {
    const [, text] = new RegExp(`<${tag}[^>]*>(.*?)</${tag}>`, 's').exec(page) ?? ['', ''];
    return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  };
  return [
    "default-src 'none'",
    `script-src ${hashOf('script')}`,
    `style-src ${hashOf('style')}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
