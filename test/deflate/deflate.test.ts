// deflate: zlib reads what it writes, at every level and window, with and without history; it is no
// larger than zlib's own; it stays within its limit, and owes nothing to the calls before.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { Random } from '../fuzz/random.js';
import { codecs, type Codec } from './harness.js';
import { json, runs, SAMPLES, text } from './samples.js';

interface DeflateExports {
  window_bits: () => number;
  deflate: (
    base: number,
    from: number,
    end: number,
    to: number,
    limit: number,
    level: number,
    windowBits: number,
    flush: number,
  ) => number;
}

interface Settings {
  level?: number;
  windowBits?: number;
  history?: Uint8Array;
  flush?: boolean;
  /** Bytes of room; else as many as it may need. */
  room?: number;
  /** Where the bytes lie, from the arena on. */
  at?: number;
}

/** RFC 7692 7.2.1: what a sender takes off each message. */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const NONE = Buffer.alloc(0);
const PAINT = 0xa5;
const GUARD = 16;
/** Room for what does not shrink: 5 bytes for 65,535, and what begins and ends. RFC 1951 3.2.4. */
const stored = (bytes: number): number => bytes + 5 * Math.ceil(bytes / 65_535) + 6;

/** One call. The compressed bytes, or undefined when they do not fit; nothing around is written. */
function pack(
  codec: Codec<DeflateExports>,
  data: Uint8Array,
  settings: Settings,
): Buffer | undefined {
  const { core, memory, debug } = codec;
  const { level = 6, windowBits = 15, history = NONE, flush = false, at = 0 } = settings;
  const base = core.arena() + 64 + at;
  const from = base + history.length;
  const end = from + data.length;
  const to = end + GUARD;
  const limit = to + (settings.room ?? stored(data.length));
  memory.set(history, base);
  memory.set(data, from);
  memory.fill(PAINT, base - GUARD, base);
  memory.fill(PAINT, end, to);
  memory.fill(PAINT, limit, limit + GUARD);
  if (debug) memory.fill(PAINT, core.codec_end(), core.codec_end() + GUARD);

  const after = core.deflate(base, from, end, to, limit, level, windowBits, flush ? 1 : 0);

  const painted = [base - GUARD, end, limit, ...(debug ? [core.codec_end()] : [])];
  for (const guard of painted) {
    const bytes = memory.subarray(guard, guard + GUARD);
    assert.ok(
      bytes.every((byte) => byte === PAINT),
      'bytes outside of the output are written',
    );
  }
  assert.ok(memory.subarray(base, from).equals(history), 'the history is written over');
  assert.ok(memory.subarray(from, end).equals(data), 'the message is written over');
  if (after === 0) return undefined;
  assert.ok(after > to && after <= limit, 'the output does not end within its room');
  return Buffer.from(memory.subarray(to, after));
}

function packed(codec: Codec<DeflateExports>, data: Uint8Array, settings: Settings): Buffer {
  const output = pack(codec, data, settings);
  assert.ok(
    output,
    `${JSON.stringify({ ...settings, history: settings.history?.length })}: no room`,
  );
  return output;
}

/** As zlib reads it with that window, and with pieces so small that it has nothing but the window. */
function unpack(stream: Buffer, windowBits: number, history: Uint8Array = NONE): Buffer {
  const dictionary = history.subarray(Math.max(0, history.length - (1 << windowBits)));
  return inflateRawSync(Buffer.concat([stream, TAIL]), {
    windowBits,
    chunkSize: 64,
    finishFlush: constants.Z_SYNC_FLUSH,
    ...(dictionary.length > 0 ? { dictionary } : {}),
  });
}

/** Bytes that zlib needs for it. */
function zlibBytes(data: Uint8Array, settings: Settings): number {
  const { level, windowBits = 15, history = NONE } = settings;
  return (
    deflateRawSync(data, {
      ...{ level, windowBits, finishFlush: constants.Z_SYNC_FLUSH },
      ...(history.length > 0 ? { dictionary: history } : {}),
    }).length - TAIL.length
  );
}

/** So many messages of `bytes` each, with what came before them. */
function conversation(count: number, bytes: number): { message: Buffer; before: Buffer }[] {
  const random = new Random(9);
  const all = Buffer.concat(Array.from({ length: count + 200 }, () => json(bytes, random)));
  return Array.from({ length: count }, (_, i) => {
    const at = (200 + i) * bytes;
    return { message: all.subarray(at, at + bytes), before: all.subarray(0, at) };
  });
}

const LEVELS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const WINDOWS = [8, 9, 10, 11, 12, 13, 14, 15];

for (const codec of await codecs<DeflateExports>('deflate')) {
  const { name, debug } = codec;
  const server = name.startsWith('server');

  describe(`deflate, ${name}`, () => {
    it('encodes the examples of RFC 7692 7.2.3', () => {
      const hello = Buffer.from('Hello');
      const hex = (settings: Settings): string => packed(codec, hello, settings).toString('hex');
      assert.equal(hex({}), 'f248cdc9c90700', '7.2.3.1');
      // 7.2.3.2 has a literal and a match of four; here all five bytes are a match.
      assert.equal(hex({ history: hello }), '02130000', '7.2.3.2');
      assert.equal(hex({ level: 0 }), '000500faff48656c6c6f00', '7.2.3.3');
      assert.equal(packed(codec, NONE, {}).toString('hex'), '00', '7.2.3.6');
    });

    for (const [title, data] of Object.entries(SAMPLES)) {
      it(`writes what zlib reads: ${title}`, () => {
        const small = data.length < 5000 && !debug;
        for (const level of LEVELS) {
          for (const windowBits of small ? WINDOWS : [8, 11, 15]) {
            for (const bytes of small ? [0, 1, 100, 1 << windowBits, 33_000] : [0, 33_000]) {
              const settings = { level, windowBits, history: json(bytes, new Random(8)) };
              const stream = packed(codec, data, settings);
              const [same, hint] = [
                unpack(stream, windowBits, settings.history),
                [level, windowBits],
              ];
              assert.ok(same.equals(data), `${hint.join()}, history ${bytes}`);
            }
          }
        }
      });
    }

    it('writes what zlib reads: a megabyte', () => {
      const data = Buffer.concat([json(400_000), new Random(4).bytes(300_000), runs(348_576)]);
      for (const level of [0, 1, 6]) {
        assert.ok(unpack(packed(codec, data, { level }), 15).equals(data), `level ${level}`);
      }
    });

    it('writes what zlib reads: any counts of any symbols', () => {
      const random = new Random(10);
      for (let round = 0; round < (debug ? 200 : 1000); round++) {
        // Each symbol half as often as the last: the longest codes there are.
        const [symbols, steep] = [1 + random.below(256), 1 + random.below(3)];
        const data = random.bytes(random.below(random.pick([50, 500, 20_000])));
        data.forEach((_, i) => {
          const rank = Math.floor(Math.clz32(random.word() >>> 1) / steep);
          data[i] = Math.min(random.once(3) ? random.below(symbols) : rank, symbols - 1);
        });
        const [level, windowBits] = [random.below(10), 8 + random.below(8)];
        const stream = packed(codec, data, { level, windowBits });
        assert.ok(unpack(stream, windowBits).equals(data), `round ${round}`);
      }
    });

    it('writes fragments that end at bytes', () => {
      const random = new Random(11);
      for (let round = 0; round < 100; round++) {
        const level = random.below(10);
        const fragments = Array.from({ length: 3 }, () => json(random.below(300), random));
        const stream: Buffer[] = [];
        let history = NONE;
        fragments.forEach((fragment, i) => {
          const flush = i < 2;
          stream.push(packed(codec, fragment, { level, history, flush }));
          assert.equal(stream[i]?.subarray(-4).equals(TAIL), flush, `round ${round}`);
          history = Buffer.concat([history, fragment]);
        });
        assert.ok(unpack(Buffer.concat(stream), 15).equals(history), `round ${round}`);
      }
    });

    it('writes nothing behind its limit, whatever that is', () => {
      const messages = [NONE, json(182), json(600), new Random(12).bytes(100), text(3000)];
      for (const data of messages) {
        for (const settings of [
          { level: 0 },
          { level: 1 },
          { flush: true },
          { history: json(500) },
        ]) {
          const whole = packed(codec, data, settings);
          for (let room = 0; room < whole.length; room++) {
            assert.equal(pack(codec, data, { ...settings, room }), undefined, `room ${room}`);
          }
          for (let room = whole.length; room < whole.length + 20; room++) {
            assert.deepEqual(pack(codec, data, { ...settings, room }), whole, `room ${room}`);
          }
        }
      }
    });

    it('never grows a message by more than stored blocks do', () => {
      const random = new Random(13);
      for (const bytes of [1, 2, 3, 4, 100, 1000, 65_535, 65_536, 200_000]) {
        const data = random.bytes(bytes);
        for (const level of [0, 1, 6, 9]) {
          const { length } = packed(codec, data, { level });
          // Its blocks, and the byte that begins the empty one.
          const most = bytes + 5 * Math.ceil(bytes / 65_535) + 1;
          assert.ok(length <= most, `${bytes} bytes at level ${level} take ${length}`);
        }
      }
    });

    it('writes the same bytes after any other calls, and wherever they lie', () => {
      const random = new Random(14);
      const kinds = [json, text, runs];
      const some = (): [Buffer, Settings] => [
        random.pick(kinds)(random.below(random.pick([300, 3000, 40_000])), random),
        {
          level: random.below(10),
          windowBits: 8 + random.below(8),
          history: random.pick(kinds)(random.below(3000), random),
        },
      ];
      const calls = Array.from({ length: 30 }, some);
      const first = calls.map(([data, settings]) => pack(codec, data, settings));
      for (let round = 0; round < 300; round++) {
        const i = random.below(calls.length);
        const [data, settings] = calls[i] ?? [NONE, {}];
        assert.deepEqual(pack(codec, data, { ...settings, at: random.below(99_999) }), first[i]);
        if (random.once(3)) pack(codec, ...some());
      }
    });

    it('finds no positions that only a call before entered', () => {
      // Level 9 enters all, level 1 leaves out those within long matches.
      for (let round = 0; round < 40; round++) {
        const data = json(3000, new Random(round));
        pack(codec, runs(3000), { level: 9 });
        const alone = pack(codec, data, { level: 1 });
        pack(codec, data.subarray(0, 2100 + 10 * round), { level: 9 });
        assert.deepEqual(pack(codec, data, { level: 1 }), alone, `round ${round}`);
      }
    });

    // A debug build writes the same bytes.
    for (const [level, most] of debug
      ? []
      : ([
          [1, 1.05],
          [6, 1.03],
        ] as const)) {
      it(`is no larger than ${most} of zlib's at level ${level}`, () => {
        const windows = server ? [10, 12, 15] : [9, 10];
        for (const [bytes, count] of [
          [65_536, 2],
          [4096, 8],
          [1024, 20],
          [182, 60],
        ] as const) {
          for (const windowBits of windows) {
            const settings = { level, windowBits };
            const messages = conversation(count, bytes).map(({ message }) => message);
            const ours = messages.map((message) => packed(codec, message, settings).length);
            const theirs = messages.map((message) => zlibBytes(message, settings));
            const ratio = sum(ours) / sum(theirs);
            assert.ok(ratio <= most, `${bytes} bytes, window ${windowBits}: ${ratio}`);
          }
        }
      });

      it(`is no larger than ${most} of zlib's at level ${level} with history`, () => {
        for (const windowBits of server ? [9, 10, 11] : [9, 10]) {
          let [ours, theirs] = [0, 0];
          for (const { message, before } of conversation(60, 182)) {
            const settings = { level, windowBits, history: before.subarray(-(1 << windowBits)) };
            ours += packed(codec, message, settings).length;
            theirs += zlibBytes(message, settings);
          }
          assert.ok(ours / theirs <= most, `window ${windowBits}: ${ours / theirs}`);
        }
      });
    }
  });
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
