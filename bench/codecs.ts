// A corpus → the work of each codec on it: Limpet's core through its ABI, Node's zlib, fflate.
//
// A work takes all messages in turn, again and again, each message on its own as an event loop would
// bring it. With context takeover the first pass begins without context, so its figures are not those
// of the passes that follow.

import {
  constants,
  createDeflateRaw,
  createInflateRaw,
  deflateRawSync,
  inflateRawSync,
} from 'node:zlib';
import { deflateSync, inflateSync, type DeflateOptions } from 'fflate';
import type { Core } from '../host/core/core.js';
import { EventKind, EventRecord, Opcode, Option, Role, TxRecord } from '../build/limpet.abi.js';
import { compressed, TAIL, type Agreed } from './corpus.js';
import { frame, headerBytes } from './frames.js';

export interface Work {
  codec: Codec;
  /** Takes every message once, and returns how many bytes it made. What they are is shown to `see`. */
  pass(see?: See): number | Promise<number>;
  end(): void;
}

/** Message `n`, counted over all passes, made these bytes; they are good until it returns. */
export type See = (n: number, bytes: Uint8Array) => void;

export const CODECS = ['Limpet', 'zlib', 'fflate'] as const;
export type Codec = (typeof CODECS)[number];

export interface Task extends Agreed {
  messages: readonly Buffer[];
  level: number;
}

/** RFC 7692 6: RSV1 of a message's first frame says that it is compressed. RFC 6455 5.2: FIN, text. */
const COMPRESSED_TEXT = 0x80 | 0x40 | 1;
const RSV1 = 0x40;
/** Of the bytes that limpet_attach takes: the context is kept. */
const TAKEOVER = 0x10;
const FLUSH = constants.Z_SYNC_FLUSH;
/** RFC 1951 3.2.6: a last block with nothing in it. */
const LAST_BLOCK = Buffer.of(0x03, 0x00);

export function deflaters(core: Core, task: Task): Work[] {
  if (task.takeover) return [limpetDeflate(core, task), streamDeflate(task)];
  return [limpetDeflate(core, task), zlibDeflate(task), fflateDeflate(task)];
}

/** All of them inflate what zlib made. */
export function inflaters(core: Core, task: Task): Work[] {
  const { messages, level } = task;
  const payloads = (pass: number): Buffer[] =>
    messages.map((_, i) => compressed(messages, pass * messages.length + i, task, level));
  // From the second pass on the context is the same in each.
  const [first, next] = [payloads(0), payloads(1)];
  const inputs = task.takeover
    ? (n: number): Buffer => (n < first.length ? first[n] : next[n % next.length])
    : (n: number): Buffer => first[n % first.length];
  if (task.takeover) return [limpetInflate(core, task, inputs), streamInflate(task, inputs)];
  return [
    limpetInflate(core, task, inputs),
    zlibInflate(task, inputs),
    fflateInflate(task, inputs),
  ];
}

type Inputs = (n: number) => Buffer;

/** Message `n` of those that are taken in turn → the bytes it makes. */
type Step = (n: number) => Uint8Array;

interface SyncWork extends Work {
  pass(see?: See): number;
}

/** A work whose steps are synchronous. */
function steps(codec: Codec, count: number, step: Step, end = (): void => undefined): SyncWork {
  let n = 0;
  return {
    codec,
    pass(see) {
      let bytes = 0;
      for (const last = n + count; n < last; n++) {
        const made = step(n);
        bytes += made.length;
        see?.(n, made);
      }
      return bytes;
    },
    end,
  };
}

/** The inputs, each changed by `change`, made ahead. */
function ahead(inputs: Inputs, count: number, change: (input: Buffer) => Buffer): Inputs {
  const all = Array.from({ length: 2 * count }, (_, n) => change(inputs(n)));
  return (n) => all[n < count ? n : count + (n % count)];
}

// ---- Limpet

/** A server's session, as after a handshake with permessage-deflate. */
function attach(core: Core, { bits, takeover, level }: Task): number {
  core.setDefault(Option.DEFLATE_LEVEL, level);
  core.setDefault(Option.DEFLATE_THRESHOLD, 0);
  const agreed = bits | (takeover ? TAKEOVER : 0);
  const { exports } = core;
  return core.check('attach', exports.limpet_attach(Role.SERVER, agreed | (agreed << 8), 1));
}

function detach(core: Core, handle: number): void {
  const { exports, u32, ringHead, ringTail } = core;
  exports.limpet_eof(handle, 1);
  exports.limpet_event_ack((u32[ringHead] - u32[ringTail]) >>> 0);
}

function limpetDeflate(core: Core, task: Task): Work {
  const { exports, u8, u32, scratch } = core;
  const { messages, level } = task;
  const handle = attach(core, task);
  // What a step made is good until the next one.
  let made = 0;
  const step = (n: number): Uint8Array => {
    const message = messages[n % messages.length];
    exports.limpet_tx_ack(handle, made);
    u8.set(message, scratch);
    core.check('sending', exports.limpet_send(handle, Opcode.TEXT, scratch, message.length));
    const record = exports.limpet_tx(handle);
    const bytes = u32[(record + TxRecord.bytes) >>> 2];
    const from = u32[(record + TxRecord.size) >>> 2];
    if ((u8[from] & RSV1) === 0) throw new Error(`message ${n} was not compressed`);
    made = bytes;
    return u8.subarray(from + headerBytes(u8[from + 1]), from + bytes);
  };
  const work = steps('Limpet', messages.length, step, () => detach(core, handle));
  // The level is the module's, and other works set another one.
  const pass = (see?: See): number => {
    core.setDefault(Option.DEFLATE_LEVEL, level);
    return work.pass(see);
  };
  return { ...work, pass };
}

function limpetInflate(core: Core, task: Task, inputs: Inputs): Work {
  const { exports, u8, u32, ingress, ringHead, ringTail, ringBase, ringMask } = core;
  const handle = attach(core, task);
  const { length } = task.messages;
  const frames = ahead(inputs, length, (payload) =>
    frame(COMPRESSED_TEXT, payload, Buffer.alloc(4)),
  );
  const step = (n: number): Uint8Array => {
    const bytes = frames(n);
    exports.limpet_event_ack((u32[ringHead] - u32[ringTail]) >>> 0);
    u8.set(bytes, ingress);
    const taken = core.check('reading', exports.limpet_rx(handle, ingress, bytes.length, 1));
    const [head, tail] = [u32[ringHead], u32[ringTail]];
    const event = ringBase + (tail & ringMask) * EventRecord.size;
    if (taken !== bytes.length || head - tail !== 1 || u8[event] !== EventKind.MESSAGE)
      throw new Error(`message ${n} did not come out whole`);
    const from = u32[(event + EventRecord.ptr) >>> 2];
    return u8.subarray(from, from + u32[(event + EventRecord.len) >>> 2]);
  };
  return steps('Limpet', length, step, () => detach(core, handle));
}

// ---- zlib, by Node

function zlibDeflate({ messages, level, bits }: Task): Work {
  const options = { level, windowBits: bits, finishFlush: FLUSH };
  return steps('zlib', messages.length, (n) => {
    const bytes = deflateRawSync(messages[n % messages.length], options);
    return bytes.subarray(0, bytes.length - TAIL.length);
  });
}

function zlibInflate({ messages, bits }: Task, inputs: Inputs): Work {
  const { length } = messages;
  const whole = ahead(inputs, length, (payload) => Buffer.concat([payload, TAIL]));
  const options = { windowBits: bits, finishFlush: FLUSH };
  return steps('zlib', length, (n) => inflateRawSync(whole(n), options));
}

/** Node has nothing synchronous that keeps a context: a stream, used as `ws` uses it. */
function streamDeflate({ messages, level, bits }: Task): Work {
  const stream = createDeflateRaw({ level, windowBits: bits });
  const put = (n: number): void => void stream.write(messages[n % messages.length]);
  return streamed(stream, messages.length, put, TAIL.length);
}

function streamInflate({ messages, bits }: Task, inputs: Inputs): Work {
  const stream = createInflateRaw({ windowBits: bits });
  const put = (n: number): void => {
    stream.write(inputs(n));
    stream.write(TAIL);
  };
  return streamed(stream, messages.length, put, 0);
}

type Stream = ReturnType<typeof createDeflateRaw> | ReturnType<typeof createInflateRaw>;

/** A work that writes a message, flushes, gathers what comes until that is done, and cuts the end off. */
function streamed(stream: Stream, count: number, put: (n: number) => void, cut: number): Work {
  let chunks: Buffer[] = [];
  let n = 0;
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const pass = (see?: See): Promise<number> =>
    new Promise((resolve, reject) => {
      stream.once('error', reject);
      const last = n + count;
      let bytes = 0;
      const next = (): void => {
        put(n);
        stream.flush(FLUSH, () => {
          const whole = Buffer.concat(chunks);
          chunks = [];
          const made = whole.subarray(0, whole.length - cut);
          bytes += made.length;
          see?.(n, made);
          n += 1;
          if (n < last) return next();
          stream.off('error', reject);
          resolve(bytes);
        });
      };
      next();
    });
  return { codec: 'zlib', pass, end: () => stream.close() };
}

// ---- fflate

/** Its streams end with a last block, and RFC 7692 7.2.3.4 has one more byte after that. */
function fflateDeflate({ messages, level }: Task): Work {
  const options = { level: level as DeflateOptions['level'] };
  const { length } = messages;
  const work = steps('fflate', length, (n) => deflateSync(messages[n % length], options));
  return { ...work, pass: (see) => work.pass(see) + length };
}

/** It reads no stream that does not end. */
function fflateInflate({ messages }: Task, inputs: Inputs): Work {
  const { length } = messages;
  const whole = ahead(inputs, length, (payload) => Buffer.concat([payload, TAIL, LAST_BLOCK]));
  return steps('fflate', length, (n) => inflateSync(whole(n)));
}
