// An echo server's port → how many messages it echoes, and the CPU time it needs for that.
//
//   connect, upgrade │ warm-up           │ measured window            │ drain
//                    │ a burst of frames │ count, clock and CPU time  │ nothing more is sent;
//                    │ per connection    │ are read at both ends      │ what is owed comes back
//
// Every message is the same prebuilt frame, so an answer needs no parsing: bytes are counted, and
// each read is followed by one write of as many frames as it completed. The stream of echoes has
// the period of one frame; the first echo of a connection and all of the drain are compared to it.
//
//   node load.js --port 8080 --size 128 --inflight 32 [--connections 64] [--seconds 1] [--warmup 0.3]
//                [--path /] [--raw] [--text] [--pid PID]
//
// Prints one line of JSON: a LoadResult, or {"error": "…"} and exit code 1.

import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { cpuTicks, machineTicks } from './cpu.js';

export interface LoadResult {
  /** Echoes that were completed in the window. */
  messages: number;
  seconds: number;
  /** CPU time of the process `--pid` in the window, in clock ticks; null when it is not to be had. */
  ticks: number | null;
  /** CPU time of all but that process and this one: what disturbed the window. */
  othersTicks: number | null;
}

interface Connection {
  socket: Socket;
  /** The upgrade is done, or there is none. */
  open: boolean;
  /** The response head as far as it has come. */
  head: string;
  /** The first echo has come and was right. */
  proven: boolean;
  /** Bytes of an echo that has not come completely. */
  part: number;
  /** In the drain: echoes that are still to come. */
  owed: number;
}

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string' },
    path: { type: 'string', default: '/' },
    connections: { type: 'string', default: '64' },
    inflight: { type: 'string', default: '1' },
    size: { type: 'string', default: '128' },
    seconds: { type: 'string', default: '1' },
    warmup: { type: 'string', default: '0.3' },
    pid: { type: 'string' },
    raw: { type: 'boolean', default: false },
    text: { type: 'boolean', default: false },
  },
});

const CONNECT_MS = 10_000;
const DRAIN_MS = 10_000;
const READ_BYTES = 256 * 1024;
/** RFC 6455 1.3: what the key is hashed with. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** RFC 6455 5.2: FIN, and the opcode of a text (1) or a binary (2) message. */
const FIRST_BYTE = 0x80 | (flags.text ? 1 : 2);
const MASKING_KEY = Buffer.of(0x9d, 0x3a, 0xc5, 0x61);

const port = count('port', flags.port);
const inflight = count('inflight', flags.inflight);
const size = count('size', flags.size);

const payload = makePayload(size, flags.text);
const question = Buffer.concat([header(size, true), MASKING_KEY, masked(payload)]);
const answer = flags.raw ? question : Buffer.concat([header(size, false), payload]);
const period = answer.length;
/** `bursts[n]` is n frames; all are views of one buffer. */
const burst = Buffer.concat(Array.from({ length: inflight }, () => question));
const bursts = Array.from({ length: inflight + 1 }, (_, n) =>
  burst.subarray(0, n * question.length),
);

const key = randomBytes(16).toString('base64');
const accept = createHash('sha1')
  .update(key + GUID)
  .digest('base64');
/** All sockets read into it: a read is used up before the next begins. */
const input = Buffer.allocUnsafe(READ_BYTES);
const connections: Connection[] = [];

let waiting = count('connections', flags.connections);
let answered = 0;
let draining = false;
let deadline = setTimeout(() => fail(`${waiting} connections not open in time`), CONNECT_MS);
let result: LoadResult | undefined;

for (let n = waiting; n > 0; n--) connections.push(open());

// ---- opening

function open(): Connection {
  const onRead = (length: number): boolean => {
    if (!c.open) upgrade(c, input.toString('latin1', 0, length));
    else receive(c, length);
    return true;
  };
  const socket = connect({
    host: '127.0.0.1',
    port,
    noDelay: true,
    onread: { buffer: input, callback: onRead },
  });
  const c: Connection = { socket, open: false, head: '', proven: false, part: 0, owed: inflight };
  socket.on('error', (error) => fail(error.message));
  socket.on('end', () => fail('the server ended a connection'));
  socket.on('close', () => fail('a connection was closed'));
  socket.on('connect', () => (flags.raw ? opened(c) : socket.write(request())));
  return c;
}

function request(): string {
  return (
    `GET ${flags.path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`
  );
}

function upgrade(c: Connection, text: string): void {
  c.head += text;
  const end = c.head.indexOf('\r\n\r\n');
  if (end < 0) return;
  if (!c.head.startsWith('HTTP/1.1 101 ') || !c.head.includes(accept))
    fail(`no upgrade: ${c.head.slice(0, 200)}`);
  if (end + 4 !== c.head.length) fail('the server spoke before it was asked');
  opened(c);
}

function opened(c: Connection): void {
  c.open = true;
  if (--waiting > 0) return;
  clearTimeout(deadline);
  for (const { socket } of connections) socket.write(burst);
  setTimeout(measure, seconds('warmup', flags.warmup) * 1000);
}

// ---- echoing

function receive(c: Connection, length: number): void {
  if (draining || !c.proven) compare(c, length);
  const bytes = c.part + length;
  if (bytes < period) {
    c.part = bytes;
    return;
  }
  const frames = Math.floor(bytes / period);
  c.part = bytes - frames * period;
  c.proven = true;
  answered += frames;
  if (draining) return settle(c, frames);
  const next = bursts[frames];
  if (!next) return fail(`${frames} echoes of ${inflight} messages`);
  c.socket.write(next);
}

function compare(c: Connection, length: number): void {
  for (let at = 0, phase = c.part; at < length; phase = 0) {
    const n = Math.min(length - at, period - phase);
    if (input.compare(answer, phase, phase + n, at, at + n) !== 0) {
      const off = input.subarray(at, at + n).findIndex((byte, i) => byte !== answer[phase + i]);
      const came = input.toString('hex', at + off, Math.min(at + n, at + off + 16));
      const due = answer.toString('hex', phase + off, Math.min(phase + n, phase + off + 16));
      fail(`wrong echo from byte ${phase + off} of a frame on: ${came} instead of ${due}`);
    }
    at += n;
  }
}

// ---- measuring

function measure(): void {
  const before = snapshot();
  setTimeout(
    () => {
      const after = snapshot();
      result = {
        messages: after.messages - before.messages,
        seconds: after.seconds - before.seconds,
        ticks: minus(after.ticks, before.ticks),
        othersTicks: minus(after.othersTicks, before.othersTicks),
      };
      drain();
    },
    seconds('seconds', flags.seconds) * 1000,
  );
}

function snapshot(): LoadResult {
  const ticks = flags.pid === undefined ? null : cpuTicks(count('pid', flags.pid));
  const othersTicks = minus(minus(machineTicks(), ticks), cpuTicks(process.pid));
  return { messages: answered, seconds: performance.now() / 1000, ticks, othersTicks };
}

function minus(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b;
}

/** Outside a read every connection has exactly `inflight` messages under way, so that is what is owed. */
function drain(): void {
  draining = true;
  waiting = connections.length;
  deadline = setTimeout(() => fail(missing()), DRAIN_MS);
}

function missing(): string {
  const late = connections.filter((c) => c.owed > 0);
  const owed = late.reduce((sum, c) => sum + c.owed, 0);
  const cut = late.filter((c) => c.part > 0).length;
  return `${owed} echoes missing on ${late.length} connections, ${cut} of which stand inside a frame`;
}

function settle(c: Connection, frames: number): void {
  c.owed -= frames;
  if (c.owed < 0 || (c.owed === 0 && c.part > 0)) fail('more came back than was sent');
  if (c.owed > 0 || --waiting > 0) return;
  finish(JSON.stringify(result), 0);
}

// ---- ending

function fail(why: string): never {
  return finish(JSON.stringify({ error: why }), 1);
}

function finish(line: string, code: number): never {
  // A pipe is written synchronously, so nothing is lost by leaving at once; the kernel closes the sockets.
  process.stdout.write(`${line}\n`);
  process.exit(code);
}

// ---- frames

/** RFC 6455 5.2: two bytes, and the length in 2 or 8 further bytes when it needs more than 7 bits. */
function header(length: number, mask: boolean): Buffer {
  const bytes = Buffer.alloc(length < 126 ? 2 : length < 65536 ? 4 : 10);
  bytes[0] = FIRST_BYTE;
  bytes[1] = (mask ? 0x80 : 0) | (length < 126 ? length : length < 65536 ? 126 : 127);
  if (bytes.length === 4) bytes.writeUInt16BE(length, 2);
  if (bytes.length === 10) bytes.writeBigUInt64BE(BigInt(length), 2);
  return bytes;
}

/** RFC 6455 5.3: "transformed-octet-i = original-octet-i XOR masking-key-octet-(i MOD 4)". */
function masked(bytes: Buffer): Buffer {
  return Buffer.from(bytes.map((byte, i) => byte ^ (MASKING_KEY[i & 3] ?? 0)));
}

/** The same bytes on every run: all 256 values, or printable ASCII for text. */
function makePayload(length: number, text: boolean): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0, x = 1; i < length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0; // Numerical Recipes' generator; its high bits are good
    bytes[i] = text ? 32 + ((x >>> 24) % 95) : x >>> 24;
  }
  return bytes;
}

// ---- flags

function count(name: string, flag: string | undefined): number {
  const n = Number(flag);
  return Number.isInteger(n) && n > 0 ? n : fail(`--${name}: a whole number above 0, not ${flag}`);
}

function seconds(name: string, flag: string): number {
  const n = Number(flag);
  return n > 0 ? n : fail(`--${name}: seconds above 0, not ${flag}`);
}
