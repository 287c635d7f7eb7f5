// An echo server's port → how many messages it echoes, and the CPU time it needs for that.
//
//   connect, upgrade │ warm-up           │ measured window            │ drain
//                    │ a burst of frames │ count, clock and CPU time  │ nothing more is sent;
//                    │ per connection    │ are read at both ends      │ what is owed comes back
//
// Each read is followed by one write of as many frames as it completed. What the frames are, and
// whether the answers are right, is an Exchange's matter: all the same (exchange/same.ts), or
// compressed and different (exchange/compressed.ts).
//
//   node load.js --port 8080 --size 128 --inflight 32 [--connections 64] [--seconds 1] [--warmup 0.3]
//                [--path /] [--raw] [--text] [--pid PID]
//                [--deflate takeover|no-takeover [--window BITS]]
//
// Prints one line of JSON: a LoadResult, or {"error": "…"} and exit code 1.

import { connect, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { compressedExchange } from './exchange/compressed.js';
import type { Exchange, Stream } from './exchange/exchange.js';
import { sameExchange } from './exchange/same.js';
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

interface Connection {
  socket: Socket;
  /** The upgrade is done, or there is none. */
  open: boolean;
  /** The response head as far as it has come. */
  head: string;
  stream: Stream | undefined;
  /** In the drain: echoes that are still to come. */
  owed: number;
}

const { values: flags } = parseArgs({
  options: {
    ...FLAGS,
    connections: { type: 'string', default: '64' },
    size: { type: 'string', default: '128' },
    raw: { type: 'boolean', default: false },
    text: { type: 'boolean', default: false },
    deflate: { type: 'string' },
    window: { type: 'string' },
  },
});

const port = count('port', flags.port);
const inflight = count('inflight', flags.inflight);
const size = count('size', flags.size);

const exchange = chooseExchange();

/** All sockets read into it: a read is used up before the next begins. */
const input = Buffer.allocUnsafe(READ_BYTES);
const connections: Connection[] = [];

let waiting = count('connections', flags.connections);
let answered = 0;
let answeredBytes = 0;
let draining = false;
let deadline = setTimeout(() => fail(`${waiting} connections not open in time`), CONNECT_MS);
let result: LoadResult | undefined;

for (let n = waiting; n > 0; n--) connections.push(open());

// ---- opening

function chooseExchange(): Exchange {
  const { deflate, raw, text } = flags;
  if (deflate === undefined) return sameExchange({ size, inflight, raw, text });
  if (deflate !== 'takeover' && deflate !== 'no-takeover') fail(`--deflate: not ${deflate}`);
  const window = flags.window === undefined ? undefined : count('window', flags.window);
  return compressedExchange({ size, inflight, takeover: deflate === 'takeover', window });
}

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
  const c: Connection = { socket, open: false, head: '', stream: undefined, owed: inflight };
  socket.on('error', (error) => fail(error.message));
  socket.on('end', () => fail('the server ended a connection'));
  socket.on('close', () => fail('a connection was closed'));
  socket.on('connect', () =>
    flags.raw ? opened(c) : socket.write(upgradeRequest(port, flags.path, exchange.offer)),
  );
  return c;
}

function upgrade(c: Connection, text: string): void {
  c.head += text;
  const end = headEnds(c.head);
  if (end === undefined) return;
  if (end !== c.head.length) fail('the server spoke before it was asked');
  opened(c);
}

function opened(c: Connection): void {
  c.open = true;
  c.stream = orFail(() => exchange.begin(c.head));
  if (--waiting > 0) return;
  clearTimeout(deadline);
  for (const { socket, stream } of connections) if (stream) socket.write(stream.next(inflight));
  measure(
    seconds('warmup', flags.warmup),
    seconds('seconds', flags.seconds),
    flags.pid,
    () => ({ messages: answered, bytes: answeredBytes }),
    (measured) => {
      result = measured;
      drain();
    },
  );
}

// ---- echoing

function receive(c: Connection, length: number): void {
  const { stream } = c;
  if (!stream) return;
  const before = stream.bytes;
  const frames = orFail(() => stream.take(input, length, draining));
  if (frames === 0) return;
  answered += frames;
  answeredBytes += stream.bytes - before;
  if (draining) return settle(c, frames);
  if (frames > inflight) return fail(`${frames} echoes of ${inflight} messages`);
  c.socket.write(stream.next(frames));
}

// ---- draining

/** Outside a read every connection has exactly `inflight` messages under way, so that is what is owed. */
function drain(): void {
  draining = true;
  waiting = connections.length;
  deadline = setTimeout(() => fail(missing()), DRAIN_MS);
}

function missing(): string {
  const late = connections.filter((c) => c.owed > 0);
  const owed = late.reduce((sum, c) => sum + c.owed, 0);
  const cut = late.filter((c) => c.stream?.inside).length;
  return `${owed} echoes missing on ${late.length} connections, ${cut} of which stand inside a frame`;
}

function settle(c: Connection, frames: number): void {
  c.owed -= frames;
  if (c.owed < 0 || (c.owed === 0 && c.stream?.inside)) fail('more came back than was sent');
  if (c.owed > 0 || --waiting > 0) return;
  finish(JSON.stringify(result), 0);
}

// ---- ending

/** What `action` returns; what it throws ends the run. */
function orFail<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}
