// A server's port → many connections that are kept, told by the parent's messages what to do.
//
//   { "connect": n }   n more connect and upgrade; the answer is { "open": connections }
//   { "speak": true }  those that have not spoken yet send one message, and wait for its echo; the answer
//                      is { "spoken": connections }
//
//   node crowd.js --port 8080 [--path /] [--size 128] [--raw] [--deflate]
//
// What goes wrong ends it, with one line of JSON: {"error": "…"}.

import { connect, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { compressedExchange } from './exchange/compressed.js';
import type { Stream } from './exchange/exchange.js';
import { sameExchange } from './exchange/same.js';
import { count, fail, headEnds, READ_BYTES, upgradeRequest } from './generator.js';

interface Member {
  socket: Socket;
  /** The response head as far as it has come. */
  head: string;
  /** Undefined until the upgrade is done. */
  stream: Stream | undefined;
  spoken: boolean;
}

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string' },
    path: { type: 'string', default: '/' },
    size: { type: 'string', default: '128' },
    raw: { type: 'boolean', default: false },
    deflate: { type: 'boolean', default: false },
  },
});

/** More connections at once than this could find a server's backlog full, and wait for seconds. */
const AT_ONCE = 200;

const port = count('port', flags.port);
const size = count('size', flags.size);
const exchange = flags.deflate
  ? compressedExchange({ size, inflight: 1, takeover: true, window: undefined })
  : sameExchange({ size, inflight: 1, raw: flags.raw, text: false });

/** All sockets read into it: a read is used up before the next begins. */
const input = Buffer.allocUnsafe(READ_BYTES);
const members: Member[] = [];
/** Members that are still to begin with what was asked for, and what they are to do. */
let begin: (() => void)[] = [];
let under = 0;
let finished: () => void = () => undefined;

process.on('message', (question: { connect?: number; speak?: boolean }) => {
  if (question.connect !== undefined) {
    ask(
      Array.from({ length: question.connect }, () => open),
      () => ({ open: members.length }),
    );
  } else if (question.speak) {
    const silent = members.filter((member) => !member.spoken);
    const speak = silent.map((member) => () => speakUp(member));
    ask(speak, () => ({ spoken: members.length }));
  } else fail(`asked ${JSON.stringify(question)}`);
});

/** Does all of it, some at once; then answers. */
function ask(actions: (() => void)[], answer: () => object): void {
  begin = actions;
  finished = () => process.send?.(answer());
  if (begin.length === 0) finished();
  while (under < AT_ONCE && begin.length > 0) next();
}

function next(): void {
  under += 1;
  begin.pop()?.();
}

/** One member has done what it was to do. */
function done(): void {
  under -= 1;
  if (begin.length > 0) next();
  else if (under === 0) finished();
}

// ---- opening

function open(): void {
  const socket = connect({
    host: '127.0.0.1',
    port,
    noDelay: true,
    onread: { buffer: input, callback: (length) => (receive(member, length), true) },
  });
  const member: Member = { socket, head: '', stream: undefined, spoken: false };
  members.push(member);
  socket.on('error', (error) => fail(error.message));
  socket.on('close', () => fail('a connection was closed'));
  socket.on('connect', () =>
    flags.raw ? opened(member) : socket.write(upgradeRequest(port, flags.path, exchange.offer)),
  );
}

function opened(member: Member): void {
  member.stream = orFail(() => exchange.begin(member.head));
  done();
}

// ---- talking

function speakUp(member: Member): void {
  member.spoken = true;
  if (member.stream) member.socket.write(member.stream.next(1));
}

function receive(member: Member, length: number): void {
  const { stream } = member;
  if (stream) {
    const echoes = orFail(() => stream.take(input, length, true));
    if (echoes > 1 || (echoes === 1 && stream.inside)) fail('more came back than was sent');
    if (echoes === 1) done();
    return;
  }
  member.head += input.toString('latin1', 0, length);
  const end = headEnds(member.head);
  if (end === undefined) return;
  if (end !== member.head.length) fail('the server spoke before it was asked');
  opened(member);
}

function orFail<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}
