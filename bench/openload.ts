// A server's port → how many handshakes it does, and the CPU time it needs for that.
//
//   connect, request ─► the whole answer ─┬─ leave: the client ends the connection ──────────────┐
//        ▲                                └─ close: a Close frame ─► its answer and the end of it ┤
//        └───────────────────────────────────────────────── `connections` of them at any time ◄──┘
//
// What a stream of Node costs is more than what a handshake costs a fast server, so TCP handles are used
// past it: else this side would be the slower one. They are not public.
//
// Who ends a connection keeps its port for a minute (RFC 9293 3.6.1, TIME-WAIT), so clients come from
// many addresses of the loopback network in turn.
//
//   node openload.js --port 8080 --end leave|close [--connections 64] [--seconds 1] [--warmup 0.3]
//                    [--path /] [--raw] [--pid PID]
//
// Prints one line of JSON: a LoadResult, or {"error": "…"} and exit code 1.

import { getSystemErrorName, parseArgs } from 'node:util';
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

interface Request {
  oncomplete(status: number): void;
}

/** What is used of Node's TCP handles. */
interface Handle {
  onread(): void;
  bind(address: string, port: number): number;
  connect(request: Request, address: string, port: number): number;
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  writeBuffer(request: Request, bytes: Uint8Array): number;
  close(): void;
}

interface TcpWrap {
  TCP: new (type: number) => Handle;
  TCPConnectWrap: new () => Request;
  constants: { SOCKET: number };
}

interface StreamWrap {
  WriteWrap: new () => Request;
  streamBaseState: Int32Array;
  kReadBytesOrError: number;
}

const { values: flags } = parseArgs({
  options: {
    ...FLAGS,
    connections: { type: 'string', default: '64' },
    end: { type: 'string', default: 'leave' },
    raw: { type: 'boolean', default: false },
  },
});

const node = process as unknown as { binding(name: string): unknown };
const { TCP, TCPConnectWrap, constants } = node.binding('tcp_wrap') as TcpWrap;
const { WriteWrap, streamBaseState, kReadBytesOrError } = node.binding('stream_wrap') as StreamWrap;

const MASKING_KEY = Buffer.of(0x9d, 0x3a, 0xc5, 0x61);
/** RFC 6455 5.2 and 7.4.1: FIN, the opcode of a Close frame, and what it says: 1000. */
const FIN_CLOSE = 0x88;
const NORMAL = Buffer.of(1000 >> 8, 1000 & 0xff);
/** 127.0.0.2 and those after it: ports of a minute of the fastest server seen, and some. */
const ADDRESSES = 128;

const port = count('port', flags.port);
const atOnce = count('connections', flags.connections);
if (flags.end !== 'leave' && flags.end !== 'close') fail(`--end: leave or close, not ${flags.end}`);
const closes = flags.end === 'close';

const request = Buffer.from(upgradeRequest(port, flags.path));
const question = frame(FIN_CLOSE, NORMAL, MASKING_KEY);
/** What follows the head until the connection ends. */
const answer = flags.raw || !closes ? Buffer.alloc(0) : frame(FIN_CLOSE, NORMAL);
/** The first answer's head, which was read whole; all others are the same, for all send the same key. */
let head: Buffer | undefined;
/** All connections read into it: a read is used up before the next begins. */
const input = Buffer.allocUnsafe(READ_BYTES);

let opened = 0;
let open = 0;
let over = 0;
let draining = false;
let result: LoadResult | undefined;
let deadline = setTimeout(() => fail(`${open} connections not over in time`), CONNECT_MS);

while (open < atOnce) begin();
measure(
  seconds('warmup', flags.warmup),
  seconds('seconds', flags.seconds),
  flags.pid,
  () => ({ messages: over, bytes: 0 }),
  (measured) => {
    result = measured;
    draining = true;
    clearTimeout(deadline);
    deadline = setTimeout(() => fail(`${open} connections not over in time`), DRAIN_MS);
  },
);

// ---- a connection

function begin(): void {
  const handle = new TCP(constants.SOCKET);
  open += 1;
  must('bind', handle.bind(`127.0.0.${2 + (opened++ % ADDRESSES)}`, 0));
  const connecting = new TCPConnectWrap();
  connecting.oncomplete = (status) => {
    must('connect', status);
    write(handle, request);
    handle.useUserBuffer(input);
    must('read', handle.readStart());
  };
  /** Bytes of the answer that have come behind its head; -1: none has come. */
  let came = -1;
  handle.onread = () => {
    const length = streamBaseState[kReadBytesOrError];
    if (length < 0) {
      if (getSystemErrorName(length) !== 'EOF') must('read', length);
      if (!closes || came !== answer.length) fail('the server ended a connection too early');
      return end(handle);
    }
    if (came < 0) {
      readHead(input.subarray(0, length));
      came = 0;
      if (closes) write(handle, question);
      else end(handle);
      return;
    }
    if (input.compare(answer, came, answer.length, 0, length) !== 0)
      fail(`wrong answer to a Close frame: ${input.toString('hex', 0, Math.min(length, 16))}`);
    came += length;
  };
  must('connect', handle.connect(connecting, '127.0.0.1', port));
}

function readHead(bytes: Buffer): void {
  if (head?.equals(bytes)) return;
  if (!flags.raw && headEnds(bytes.toString('latin1')) !== bytes.length)
    fail('a response head that is not whole, or more than that');
  head = Buffer.from(bytes);
}

function write(handle: Handle, bytes: Buffer): void {
  const writing = new WriteWrap();
  writing.oncomplete = (status) => must('write', status);
  must('write', handle.writeBuffer(writing, bytes));
}

function end(handle: Handle): void {
  handle.close();
  open -= 1;
  over += 1;
  if (!draining) {
    // Whoever has not ended a single one until now has hung.
    if (over === 1) clearTimeout(deadline);
    begin();
  } else if (open === 0) finish(JSON.stringify(result), 0);
}

function must(what: string, status: number): void {
  if (status < 0) fail(`${what}: ${getSystemErrorName(status)}`);
}
