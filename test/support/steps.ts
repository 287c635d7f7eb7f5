// A step of a vector, in words → a call of the driver, and its answer.

import { Opcode, Option, SEND_MORE, SEND_PLAIN, Sent, State } from '../../build/limpet.abi.js';
import { addressShown } from './address.js';
import { errorName, nameOf, Part, Role, type Driver } from './driver.js';
import { opcodeOf, payloadOf } from './payload.js';
import { members, room, rooms, subscribe, subscribed, unsubscribe } from './rooms.js';
import { payloadShown } from './show.js';
import { LISTS } from './vector.js';

/** `word "value"` pairs of a step; a value may be `300 x 61`, or a number. */
export function strings(rest: string): Record<string, string> {
  const found: Record<string, string> = {};
  const pairs = /(\w+) (?:("(?:[^"\\]|\\.)*"|\d+ x [0-9a-f]{2})|(\d+))/g;
  for (const [, name = '', payload, number = ''] of rest.matchAll(pairs)) {
    found[name] = payload === undefined ? number : payloadOf(payload).toString('utf8');
  }
  return found;
}

/** `[plain] OPCODE [more] PAYLOAD`, through one of the four ways to send. */
export function send(driver: Driver, handle: number, way: string, rest: string): number {
  const { core } = driver;
  const [, plain, name = '', more, words = ''] = /^(plain )?(\S+)( more)?\s*(.*)$/.exec(rest) ?? [];
  const kind = (opcodeOf(name) ?? Opcode.TEXT) | (more ? SEND_MORE : 0) | (plain ? SEND_PLAIN : 0);
  if (way === 'external') return core.limpet_send_external(handle, kind, Number(words));
  const payload = payloadOf(words);
  if (way === 'begin') {
    const at = core.limpet_send_begin(handle, kind, payload.length);
    if (at <= 0) return at || Sent.DROPPED;
    driver.write(at, payload);
    return core.limpet_send_end(handle);
  }
  // A payload may lie anywhere: where input comes otherwise there is most room.
  if (payload.length > driver.ingressBytes) throw new Error(`too long for the region: ${rest}`);
  driver.write(driver.ingress, payload);
  if (way === 'many') return sendMany(driver, handle, kind, payload.length);
  return core.limpet_send(handle, kind, driver.ingress, payload.length);
}

/** Sends what lies in the ingress region to a list of one session. */
function sendMany(driver: Driver, handle: number, kind: number, length: number): number {
  const list = Buffer.alloc(4);
  list.writeInt32LE(handle);
  driver.write(driver.scratch, list);
  const answer = driver.core.limpet_send_many(driver.scratch, 1, kind, driver.ingress, length);
  return answer || driver.copy(driver.scratch, 4).readInt32LE();
}

/** Puts words on the lists of origins, subprotocols and tokens. */
export function allow(driver: Driver, lists: Record<string, string>): void {
  const adders = {
    allowed_origins: 'limpet_origin_add',
    allowed_protocols: 'limpet_protocol_add',
    allowed_tokens: 'limpet_token_add',
  } as const;
  for (const list of LISTS) {
    for (const word of lists[list]?.split(' ') ?? []) {
      const [ptr = 0, length = 0] = driver.pass(word === 'none' ? '' : word);
      const answer = driver.core[adders[list]](ptr, length);
      if (answer) throw new Error(`${list} "${word}": ${errorName(answer)}`);
    }
  }
}

/** `[protocol "p"] [headers "N: v\r\n"]` */
export function accept(driver: Driver, handle: number, rest: string): number {
  const { protocol = '', headers = '' } = strings(rest);
  const [a = 0, b = 0, c = 0, d = 0] = driver.pass(protocol, headers);
  return driver.core.limpet_accept(handle, a, b, c, d);
}

/** `[status] [headers "N: v\r\n"] [body "text"] [external n]` */
export function respond(driver: Driver, handle: number, rest: string): number {
  const { headers = '', body = '', external } = strings(rest);
  const [a = 0, b = 0, c = 0, d = 0] = driver.pass(headers, body);
  const status = Number.parseInt(rest, 10) || 0;
  return external
    ? driver.core.limpet_respond(handle, status, a, b, 0, Number(external))
    : driver.core.limpet_respond(handle, status, a, b, c, d);
}

/**
 * Takes the arena's memory away: a session queues until there is no block, or `most` bytes are
 * taken. Returns its handle.
 */
export function hog(driver: Driver, most: number): number {
  const handle = driver.attach(Role.SERVER);
  driver.setOption(handle, Option.QUEUE_MAX, 0x7fffffff);
  driver.setOption(handle, Option.HIGH_WATER, 0x7fffffff);
  const { checks } = driver;
  driver.checks = false;
  for (const size of [driver.ingressBytes, 2048, 1024, 512, 256, 128, 64]) {
    if (size > driver.ingressBytes) continue;
    // 26: the longest header and the block's own 16 bytes.
    while (
      driver.stats().arenaUsed < most &&
      driver.core.limpet_send(handle, Opcode.BINARY, driver.ingress, size - 26) === 0
    );
  }
  driver.checks = checks;
  driver.check('hog');
  return handle;
}

/** Takes the windows that keep contexts, all but `n`; returns the sessions that hold them. */
export function leaveWindows(driver: Driver, n: number): number[] {
  const handles: number[] = [];
  // What comes keeps its context, with the smallest window; what goes out does not.
  for (let handle; (handle = driver.attach(Role.SERVER, 0x0f18)) > 0;) handles.push(handle);
  for (const handle of handles.splice(0, n)) driver.eof(handle);
  driver.events();
  return handles;
}

/** A ping of the core that is a heartbeat: its header, number and time; see assembly/hub/heartbeat.ts. */
const HEARTBEAT = /^tx (89 [08]c(?: key)?) (00 00 0[\da-f] [\da-f]{2}) ((?:[\da-f]{2} ?){8})$/;

/** The heartbeats of a session: when they go differs from run to run. */
export class Heartbeats {
  readonly #payloads: string[] = [];

  /**
   * `tx 89 0c` with number and time → `tx 89 0c heartbeat 0`, and how long ago it went if that is not
   * now; a pong with the same payload → `pong heartbeat 0`.
   */
  shown(line: string, now: number): string {
    const again = this.#payloads.indexOf(line.replace(/^pong /, ''));
    if (again >= 0) return `pong heartbeat ${again}`;
    const [, header = '', number = '', time = ''] = HEARTBEAT.exec(line) ?? [];
    if (!header) return line;
    const n = Number.parseInt(number.replaceAll(' ', ''), 16);
    this.#payloads[n] = `${number} ${time}`;
    const ago = now - Number.parseInt(time.replaceAll(' ', ''), 16);
    return `tx ${header} heartbeat ${n}${ago ? `, ${ago} ms ago` : ''}`;
  }

  /** `heartbeat 0` in a line of input → its payload. */
  filled(line: string): string {
    return line.replace(/heartbeat (\d+)/, (_, n) => this.#payloads[Number(n)] ?? '12 x 00');
  }
}

/** What a direction agreed on, in words. */
function direction(agreed: number): string {
  return agreed ? `${agreed & 15}${agreed & 16 ? ' takeover' : ''}` : 'none';
}

/** An answer in words, or the name of its ErrorCode. */
function answered(answer: number, words: string[]): string {
  return answer < 0 ? `= ${errorName(answer)}` : (words[answer] ?? String(answer));
}

/** `KEY = VALUE` sets, `KEY` gets, `KEY deleted` deletes, and nothing lists; keys and values are payloads. */
function meta(driver: Driver, handle: number, rest: string): string[] {
  const [, key = '', equals, value = ''] = /^(.*?)(?: (=|deleted) ?(.*))?$/.exec(rest) ?? [];
  if (equals === '=') {
    const answer = driver.metaSet(handle, payloadOf(key), payloadOf(value));
    return answer ? [`= ${errorName(answer)}`] : [];
  }
  if (equals) return [`= ${driver.metaDelete(handle, payloadOf(key))}`];
  if (key) {
    const got = driver.metaGet(handle, payloadOf(key));
    return [`meta ${key} = ${typeof got === 'number' ? errorName(got) : payloadShown(got)}`];
  }
  return driver
    .metadata(handle)
    .map((entry) => `meta ${payloadShown(entry.name)} = ${payloadShown(entry.value)}`);
}

/** Steps that look, or belong to the hub → lines of the log. */
export function look(driver: Driver, handle: number, word: string, rest: string): string[] {
  switch (word) {
    case 'room': {
      const room = driver.core.limpet_rx_room(handle);
      return [`room ${room > 0 ? 'yes' : room}`];
    }
    case 'part': {
      const part = driver.part(handle, Part[rest.toUpperCase() as keyof typeof Part]);
      return [`part ${rest} ${typeof part === 'number' ? errorName(part) : JSON.stringify(part)}`];
    }
    case 'header':
    case 'cookie': {
      const value = word === 'header' ? driver.header(handle, rest) : driver.cookie(handle, rest);
      return [
        `${word} ${rest} ${typeof value === 'number' ? errorName(value) : JSON.stringify(value)}`,
      ];
    }
    case 'meta':
      return meta(driver, handle, rest);
    case 'headers':
      return driver.headers(handle).map(({ name, value }) => `header ${name}: ${value}`.trimEnd());
    case 'protocols':
      return [['protocols', ...driver.protocols(handle)].join(' ')];
    case 'state': {
      const info = driver.info(handle);
      return [info ? `state ${nameOf(State, info.state)} queued ${info.queued}` : 'state none'];
    }
    case 'rtt': {
      const info = driver.info(handle);
      if (!info) return ['rtt none'];
      const { rttLast, rttLeast, rttMost, rttSmoothed, heartbeats, heartbeatsAnswered } = info;
      const figures = `last ${rttLast} least ${rttLeast} most ${rttMost} smoothed ${rttSmoothed}`;
      return [`rtt ${figures}, ${heartbeatsAnswered} of ${heartbeats} answered`];
    }
    case 'address': {
      const shown = addressShown(driver, handle);
      return [`address ${typeof shown === 'number' ? errorName(shown) : shown}`];
    }
    case 'deflate': {
      const { deflateIn = 0, deflateOut = 0 } = driver.info(handle) ?? {};
      return [`deflate in ${direction(deflateIn)}, out ${direction(deflateOut)}`];
    }
    case 'subscribe':
      return [answered(subscribe(driver, handle, payloadOf(rest)), ['was in', 'joined'])];
    case 'unsubscribe':
      return [answered(unsubscribe(driver, handle, payloadOf(rest)), ['was not in', 'left'])];
    case 'subscribed': {
      const topic = payloadOf(rest).toString();
      return [answered(subscribed(driver, handle, topic), ['not in', 'in'])];
    }
    case 'members': {
      const topic = payloadOf(rest).toString();
      const found = room(driver, topic);
      if (typeof found === 'number') return [answered(found, [])];
      const kind = found.wildcard ? 'pattern' : 'topic';
      return [`${kind} ${topic}: ${members(driver, topic).length} of ${found.members} members`];
    }
    case 'rooms': {
      const first = driver.core.limpet_session_room_next(handle, 0);
      if (first < 0) return [answered(first, [])];
      const joined = rooms(driver, handle).map(({ topic }) => topic);
      return [`rooms ${joined.join(', ')} of ${rooms(driver).length}`];
    }
    default:
      throw new Error(`no step "${word}"`);
  }
}
