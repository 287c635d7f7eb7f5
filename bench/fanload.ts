// A fan-out server's port → how many messages its subscribers get, and the CPU time it needs for that.
//
//   connect subscribers to /subscribe, one publisher to /publish │ warm-up │ window │ drain
//
// The publisher has `inflight` messages under way: one is over when the last subscriber has it, and
// as many as are over after a read are sent in one write. Each message begins with its number, so every
// subscriber is held to their order, and to getting each once.
//
//   node fanload.js --port 8080 --size 64 --inflight 16 [--connections 1000] [--seconds 1]
//                   [--warmup 0.3] [--pid PID]

import { connect, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { frame } from './frames.js';
import {
  CONNECT_MS,
  count,
  DRAIN_MS,
  fail,
  finish,
  FLAGS,
  headEnds,
  measure,
  READ_BYTES,
  seconds,
  upgradeRequest,
  type LoadResult,
} from './generator.js';

interface Subscriber {
  /** The response head as far as it has come; undefined once it is whole. */
  head: string | undefined;
  /** Number of the message that comes next, and what of its frame has come. */
  next: number;
  part: Buffer;
}

const { values: flags } = parseArgs({
  options: {
    ...FLAGS,
    connections: { type: 'string', default: '1000' },
    size: { type: 'string', default: '64' },
  },
});

const MASKING_KEY = Buffer.of(0x9d, 0x3a, 0xc5, 0x61);
/** RFC 6455 5.2: FIN, and the opcode of a binary message. */
const FIN_BINARY = 0x82;

const port = count('port', flags.port);
const size = count('size', flags.size);
const inflight = count('inflight', flags.inflight);
const subscribers = count('connections', flags.connections);
if (size < 4) fail('--size: 4 or more, a message begins with its number');

/** The frame of message 0 as subscribers get it; the number stands behind its header. */
const pattern = frame(FIN_BINARY, message(0));
const headerBytes = pattern.length - size;
/** All sockets read into it: a read is used up before the next begins. */
const input = Buffer.allocUnsafe(READ_BYTES);
/** How many subscribers still wait for message n, at n % inflight. */
const waiting = new Array<number>(inflight).fill(0);

let opening = subscribers + 1;
let publisher: Socket;
/** Messages sent; of those, the number of the oldest that some subscriber has not got. */
let sent = 0;
let oldest = 0;
let delivered = 0;
let draining = false;
let result: LoadResult | undefined;
let deadline = setTimeout(
  () => fail(`${opening} of ${subscribers + 1} connections not open in time`),
  CONNECT_MS,
);

// The publisher comes last: by then all have subscribed.
for (let n = 0; n < subscribers; n++) subscribe();

// ---- opening

function subscribe(): void {
  const s: Subscriber = { head: '', next: 0, part: Buffer.alloc(0) };
  const socket = open('/subscribe', (length) => {
    if (s.head === undefined) return receive(s, input.subarray(0, length));
    s.head += input.toString('latin1', 0, length);
    const end = headEnds(s.head);
    if (end === undefined) return;
    if (end !== s.head.length) fail('the server spoke before it was asked');
    s.head = undefined;
    opened();
  });
  socket.on('close', () => fail('a connection was closed'));
}

function open(path: string, read: (length: number) => void): Socket {
  const socket = connect({
    host: '127.0.0.1',
    port,
    noDelay: true,
    onread: { buffer: input, callback: (length) => (read(length), true) },
  });
  socket.on('error', (error) => fail(error.message));
  socket.on('connect', () => socket.write(upgradeRequest(port, path)));
  return socket;
}

function opened(): void {
  opening -= 1;
  if (opening === 1) {
    publisher = open('/publish', (length) => {
      if (headEnds(input.toString('latin1', 0, length)) === undefined) fail('half a response head');
      opened();
    });
  }
  if (opening > 0) return;
  clearTimeout(deadline);
  publish(inflight);
  measure(
    seconds('warmup', flags.warmup),
    seconds('seconds', flags.seconds),
    flags.pid,
    () => ({ messages: delivered, bytes: delivered * size }),
    (measured) => {
      result = measured;
      draining = true;
      deadline = setTimeout(() => fail(`${sent - oldest} messages did not reach all`), DRAIN_MS);
    },
  );
}

// ---- publishing

function message(number: number): Buffer {
  const payload = Buffer.alloc(size, 0x2e);
  payload.writeUInt32BE(number, 0);
  return payload;
}

function publish(n: number): void {
  const frames: Buffer[] = [];
  for (; n > 0; n--) {
    waiting[sent % inflight] = subscribers;
    frames.push(frame(FIN_BINARY, message(sent), MASKING_KEY));
    sent += 1;
  }
  publisher.write(Buffer.concat(frames));
}

function receive(s: Subscriber, read: Buffer): void {
  const bytes = s.part.length > 0 ? Buffer.concat([s.part, read]) : read;
  let at = 0;
  for (; at + pattern.length <= bytes.length; at += pattern.length) take(s, bytes, at);
  // `input` is read into again.
  s.part = at < bytes.length ? Buffer.from(bytes.subarray(at)) : pattern.subarray(0, 0);
  const over = completed();
  if (!draining) {
    if (over > 0) publish(over);
  } else if (oldest === sent) {
    finish(JSON.stringify(result), 0);
  }
}

function take(s: Subscriber, bytes: Buffer, at: number): void {
  const number = bytes.readUInt32BE(at + headerBytes);
  const header = bytes.compare(pattern, 0, headerBytes, at, at + headerBytes);
  if (header !== 0 || number !== s.next)
    fail(`message ${number} came instead of ${s.next}: ${bytes.toString('hex', at, at + 16)}`);
  s.next += 1;
  delivered += 1;
  waiting[number % inflight] -= 1;
}

/** How many of the oldest messages all subscribers have by now. */
function completed(): number {
  const before = oldest;
  while (oldest < sent && waiting[oldest % inflight] === 0) oldest += 1;
  return oldest - before;
}
