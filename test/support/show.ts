// Events and output → the lines of a log, as the vectors have them.
//
//   message text "Hello"              an event, its payload last
//   tx 81 05 48 65 6c 6c 6f           a frame that was queued, as it goes over the wire
//   > HTTP/1.1 101 Switching Protocols    a line of an HTTP answer or request
//
// A client's masking key is random: `tx 81 85 key 48 65 6c 6c 6f` has the payload unmasked.

import { createHash } from 'node:crypto';
import { EventFlag, EventKind, errorName, nameOf, type CoreEvent } from './driver.js';
import { decode, isUtf8, type Frame } from './frames.js';

const OPCODE_NAMES: Record<number, string> = { 0: 'cont', 1: 'text', 2: 'binary' };
/** The most bytes of a payload that are shown as hex, and as text. */
const HEX_MAX = 40;
const TEXT_MAX = 64;

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/..(?!$)/g, '$& ');
}

/** A payload, short: a string, hex, `300 x 61` for equal bytes, or length and hash. */
export function payloadShown(bytes: Buffer, text = true): string {
  if (bytes.length === 0) return text ? '""' : 'empty';
  if (text && bytes.length <= TEXT_MAX && isUtf8(bytes)) {
    const string = bytes.toString('utf8');
    if (/^\P{C}*$/u.test(string)) return JSON.stringify(string);
  }
  if (bytes.length <= HEX_MAX) return hex(bytes);
  const first = bytes.subarray(0, 1);
  if (bytes.every((byte) => byte === first[0])) return `${bytes.length} x ${hex(first)}`;
  return `${bytes.length} bytes sha1 ${createHash('sha1').update(bytes).digest('hex').slice(0, 8)}`;
}

/** An event as a line; `undefined` for one that the host skips. */
export function eventShown(event: CoreEvent): string | undefined {
  const { kind, flags, code, data, detail } = event;
  const text = code === 1;
  switch (kind) {
    case EventKind.UPGRADE:
      return `upgrade ${data.toString('latin1')}`;
    case EventKind.REQUEST:
      return `request ${data.toString('latin1')}`;
    case EventKind.OPEN:
      return data.length ? `open ${data.toString('latin1')}` : 'open';
    case EventKind.MESSAGE:
      return `message ${OPCODE_NAMES[code] ?? code} ${payloadShown(data, text)}`;
    case EventKind.CHUNK:
      return chunkShown(event);
    case EventKind.PING:
      return `ping ${payloadShown(data)}`;
    case EventKind.PONG:
      return `pong ${payloadShown(data)}`;
    case EventKind.CLOSING: {
      const who = flags & EventFlag.REMOTE ? 'remote' : 'local';
      return `closing ${code} ${who}${data.length ? ` ${payloadShown(data)}` : ''}`;
    }
    case EventKind.CLOSED:
      return `closed ${code}${flags & EventFlag.CLEAN ? ' clean' : ''}`;
    case EventKind.ERROR:
      return `error ${errorName(detail)} ${code}`;
    case EventKind.WRITABLE:
      return 'writable';
    case EventKind.HEARTBEAT:
      return `heartbeat ${detail}`;
    case EventKind.SHUTDOWN:
      return 'shutdown';
    case EventKind.READABLE:
      return 'readable';
    case EventKind.NONE:
      return undefined;
  }
}

function chunkShown({ flags, code, data }: CoreEvent): string {
  const begin = flags & EventFlag.BEGIN ? ' begin' : '';
  const end = flags & EventFlag.END ? ' end' : '';
  return `chunk ${OPCODE_NAMES[code] ?? code}${begin}${end} ${payloadShown(data, code === 1)}`;
}

/** Events as lines. Pieces of one message that follow each other are joined: where they are cut is no rule. */
export function eventsShown(events: CoreEvent[]): string[] {
  const joined: CoreEvent[] = [];
  for (const event of events) {
    const last = joined.at(-1);
    if (
      event.kind === EventKind.CHUNK &&
      last?.kind === EventKind.CHUNK &&
      !(last.flags & EventFlag.END)
    ) {
      last.data = Buffer.concat([last.data, event.data]);
      last.flags |= event.flags;
    } else {
      joined.push({ ...event });
    }
  }
  return joined.flatMap((event) => eventShown(event) ?? []);
}

/** A frame that was queued, in hex; a long payload is described. */
export function frameShown({ header, masked, payload }: Frame): string {
  const shown =
    payload.length === 0
      ? ''
      : payload.length <= HEX_MAX
        ? ` ${hex(payload)}`
        : ` ${payloadShown(payload, false)}`;
  return `tx ${hex(header)}${masked ? ' key' : ''}${shown}`;
}

/**
 * Output as lines: an HTTP head if it begins with one, then frames.
 *
 * @param http whether a head comes first
 * @param hide texts that differ from run to run, with what stands for them
 */
export function outputShown(bytes: Buffer, http: boolean, hide: [string, string][] = []): string[] {
  const lines: string[] = [];
  let rest = bytes;
  if (http) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) return bytes.length ? [`tx cut head ${payloadShown(bytes)}`] : [];
    let head = rest.subarray(0, end).toString('latin1');
    for (const [text, name] of hide) if (text) head = head.replace(text, name);
    // A space at the end of a line would be lost in an editor.
    lines.push(...head.split('\r\n').map((line) => `> ${line}`.replace(/ $/, '␠')));
    rest = rest.subarray(end + 4);
    if (!head.startsWith('HTTP/1.1 101') && !head.startsWith('GET ')) {
      return rest.length ? [...lines, `body ${payloadShown(rest)}`] : lines;
    }
  }
  const { frames, length } = decode(rest);
  lines.push(...frames.map(frameShown));
  if (length < rest.length) lines.push(`tx cut frame ${hex(rest.subarray(length))}`);
  return lines;
}

export { nameOf };
