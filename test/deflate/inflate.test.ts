// inflate: what zlib compresses comes back, whatever its settings and however it is cut; what zlib
// refuses is refused; and nothing outside of the output is written (streams.ts paints and looks).

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { constants, deflateRawSync, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { Random } from '../fuzz/random.js';
import { codecs, type Codec } from './harness.js';
import { json, runs, SAMPLES, text } from './samples.js';
import { BAD, FULL, MORE, Stream, TAIL, type InflateExports } from './streams.js';

const { Z_SYNC_FLUSH, Z_FINISH, Z_DEFAULT_STRATEGY, Z_FILTERED, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE } =
  constants;

/** A message as RFC 7692 7.2.1 has it: flushed, without the tail. */
function message(data: Uint8Array, options: ZlibOptions = {}): Buffer {
  const all = deflateRawSync(data, { ...options, finishFlush: Z_SYNC_FLUSH });
  assert.deepEqual(all.subarray(-4), TAIL);
  return all.subarray(0, -4);
}

/** Bits, lowest first, as RFC 1951 3.1.1 packs them: [value, how many], Huffman codes as text. */
function pack(...fields: ([number, number] | string)[]): Buffer {
  const bits = fields.flatMap((field) =>
    typeof field === 'string'
      ? [...field.replaceAll(' ', '')].map(Number)
      : Array.from({ length: field[1] }, (_, i) => (field[0] >> i) & 1),
  );
  const bytes = Buffer.alloc((bits.length + 7) >> 3);
  bits.forEach((bit, i) => (bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (bit << (i & 7))));
  return bytes;
}

/** RFC 1951 3.2.7. */
const LENGTHS_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/**
 * A dynamic block's header whose code for code lengths is `codes`, symbol → bits of its code;
 * `lengths` are codes of it.
 */
function dynamic(
  literals: number,
  distances: number,
  codes: Record<number, number>,
  ...lengths: ([number, number] | string)[]
): Buffer {
  return pack(
    [0, 1],
    [2, 2],
    [literals - 257, 5],
    [distances - 1, 5],
    [19 - 4, 4],
    ...LENGTHS_ORDER.map((symbol): [number, number] => [codes[symbol] ?? 0, 3]),
    ...lengths,
  );
}

/** Code lengths 0, 1 and 18, with the codes 0, 10 and 11. */
const FEW = { 0: 1, 1: 2, 18: 2 };
/** So many zeros, 11 to 138. */
const zeros = (n: number): [number, number][] => [
  [3, 2],
  [n - 11, 7],
];

/** zlib's word on a stream that goes on after last blocks: its output, or undefined for bad data. */
function reference(stream: Buffer): Buffer | undefined {
  let output = Buffer.alloc(0);
  let rest = stream;
  for (;;) {
    try {
      const dictionary = output.subarray(-32_768);
      const { buffer, engine } = inflateRawSync(rest, {
        finishFlush: Z_SYNC_FLUSH,
        info: true,
        ...(dictionary.length > 0 ? { dictionary } : {}),
      }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
      output = Buffer.concat([output, buffer]);
      // zlib stops behind a last block; with what follows it is asked again.
      if (engine.bytesWritten === rest.length || engine.bytesWritten === 0) return output;
      rest = rest.subarray(engine.bytesWritten);
    } catch {
      return undefined;
    }
  }
}

/** A whole message at once. */
function whole(codec: Codec<InflateExports>, data: Uint8Array, name: string): Buffer {
  const stream = new Stream(codec);
  assert.equal(stream.feed(data), MORE, name);
  assert.ok(stream.end(), name);
  return stream.output;
}

/** What inflate answers to all of it. */
function verdict(codec: Codec<InflateExports>, data: Uint8Array): number {
  return new Stream(codec).feed(data);
}

for (const codec of await codecs<InflateExports>('inflate')) {
  describe(`inflate, ${codec.name}`, () => {
    it('decodes the examples of RFC 7692 7.2.3', () => {
      const examples = {
        'fixed codes, 7.2.3.1': 'f248cdc9c90700',
        'stored, 7.2.3.3': '000500faff48656c6c6f00',
        'a last block, 7.2.3.4': 'f348cdc9c9070000',
        'two blocks, 7.2.3.5': 'f248050000 00ffff cac9c90700',
      };
      for (const [name, hex] of Object.entries(examples)) {
        const data = Buffer.from(hex.replaceAll(' ', ''), 'hex');
        assert.equal(whole(codec, data, name).toString(), 'Hello', name);
      }
    });

    it('keeps the history of a takeover, RFC 7692 7.2.3.2', () => {
      const stream = new Stream(codec, 0, Buffer.from('Hello'));
      assert.equal(stream.feed(Buffer.from('f200110000', 'hex')), MORE);
      assert.ok(stream.end());
      assert.equal(stream.output.toString(), 'Hello');
    });

    for (const [name, data] of Object.entries(SAMPLES)) {
      it(`decodes every setting of zlib: ${name}`, () => {
        for (let level = 0; level <= 9; level++) check({ level });
        for (const strategy of [Z_FILTERED, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE]) check({ strategy });
        for (let windowBits = 9; windowBits <= 15; windowBits++) check({ windowBits });
        for (let memLevel = 1; memLevel <= 9; memLevel++) check({ memLevel });

        function check(options: ZlibOptions): void {
          const output = whole(codec, message(data, options), JSON.stringify(options));
          assert.ok(output.equals(data), JSON.stringify(options));
        }
      });
    }

    it('decodes a megabyte', () => {
      const data = Buffer.concat([json(400_000), runs(400_000), text(248_576)]);
      const packed = message(data);
      const stream = new Stream(codec);
      for (let at = 0; at < packed.length; at += 65_536) {
        assert.equal(stream.feed(packed.subarray(at, at + 65_536)), MORE);
      }
      assert.ok(stream.end());
      assert.ok(stream.output.equals(data));
    });

    it('decodes a small stream at every cut, with output byte by byte', () => {
      for (const strategy of [Z_DEFAULT_STRATEGY, Z_FIXED]) {
        const data = Buffer.concat([json(150), runs(250)]);
        const packed = Buffer.concat([
          ...[message(data, { strategy }), TAIL],
          message(data, { level: 0 }),
        ]);
        for (let cut = 0; cut <= packed.length; cut++) {
          const stream = new Stream(codec);
          stream.feed(packed.subarray(0, cut));
          stream.move();
          stream.feed(packed.subarray(cut), () => 1);
          assert.ok(
            stream.end(() => 0),
            `cut at ${cut}`,
          );
          assert.ok(stream.output.equals(Buffer.concat([data, data])), `cut at ${cut}`);
        }
        const stream = new Stream(codec);
        for (const byte of packed) assert.equal(stream.feed(Buffer.from([byte])), MORE);
        assert.ok(stream.end());
        assert.ok(stream.output.equals(Buffer.concat([data, data])));
      }
    });

    it('decodes streams that take turns, cut and given room at random', () => {
      const random = new Random(5);
      for (let round = 0; round < 40; round++) {
        const pairs = [0, 1].map((half) => {
          const kind = random.pick([json, text, runs]);
          const data = kind(1 + random.below(30_000), random);
          const strategy = random.pick([Z_DEFAULT_STRATEGY, Z_DEFAULT_STRATEGY, Z_FIXED]);
          const level = random.below(10);
          const packed = message(data, { strategy, level, memLevel: 1 + random.below(9) });
          return { stream: new Stream(codec, half), data, packed, at: 0 };
        });
        const piece = random.pick([3, 40, 1000]);
        const room = random.pick([3, 50, 500, 20_000]);
        for (let open = [...pairs]; open.length > 0; open = open.filter((one) => !done(one))) {
          const one = random.pick(open);
          const n = 1 + random.below(piece);
          const next = one.packed.subarray(one.at, one.at + n);
          assert.equal(
            one.stream.feed(next, () => 1 + random.below(room)),
            MORE,
          );
          one.at += next.length;
          if (random.once(3)) one.stream.move();
        }
        for (const { stream, data } of pairs) {
          assert.ok(stream.end());
          assert.ok(stream.output.equals(data));
        }
      }

      function done({ packed, at }: { packed: Buffer; at: number }): boolean {
        return at >= packed.length;
      }
    });

    it('gives back what it read too far when the output is full', () => {
      const packed = message(Buffer.from('abcdefghijklmnopqrstuvwxyz'));
      const stream = new Stream(codec);
      const rooms = [5, 0, 100];
      const left: number[] = [];
      stream.feed(packed, () => {
        left.push(packed.length - stream.consumed);
        return rooms.shift() ?? 0;
      });
      // Five literals of eight bits and three bits before them: five bytes, and a part of the sixth.
      assert.deepEqual(left, [packed.length, packed.length - 6, packed.length - 6]);
    });

    it('says whether a message is whole', () => {
      const data = json(500);
      const MARK = Buffer.from('!');
      let wholes = 0;
      for (const options of [{}, { strategy: Z_FIXED }, { level: 0 }]) {
        const packed = message(data, options);
        for (let cut = 0; cut < packed.length; cut++) {
          const stream = new Stream(codec);
          assert.equal(stream.feed(packed.subarray(0, cut)), MORE);
          const expected = reference(packed.subarray(0, cut));
          assert.ok(expected && stream.output.equals(expected), `cut at ${cut}`);
          // It is if a message behind it is read as what it is.
          const next = reference(Buffer.concat([packed.subarray(0, cut), TAIL, message(MARK)]));
          const ended = next?.subarray(-1).equals(MARK) ?? false;
          assert.equal(stream.end(), ended, `cut at ${cut}`);
          wholes += ended ? 1 : 0;
        }
      }
      // A stored block is when it lacks all but its first byte, or its last four: the tail is taken
      // for them.
      assert.equal(wholes, 2);
    });

    it('goes on with the next byte after a last block', () => {
      const random = new Random(6);
      for (let round = 0; round < 50; round++) {
        const parts = Array.from({ length: 4 }, () => json(random.below(300), random));
        const blocks = parts.map((part) =>
          deflateRawSync(part, { level: random.below(3), finishFlush: Z_FINISH }),
        );
        const stream = new Stream(codec);
        for (const byte of Buffer.concat(blocks)) stream.feed(Buffer.from([byte]));
        assert.ok(stream.feed(Buffer.from([0])) === MORE && stream.end());
        assert.ok(stream.output.equals(Buffer.concat(parts)));
      }
    });

    it('keeps the history over a last block', () => {
      const first = deflateRawSync(Buffer.from('limpets cling'), { finishFlush: Z_FINISH });
      const second = message(Buffer.from('to rocks, limpets cling'), {
        dictionary: Buffer.from('limpets cling'),
      });
      const output = whole(codec, Buffer.concat([first, second]), 'history');
      assert.equal(output.toString(), 'limpets clingto rocks, limpets cling');
    });

    it('refuses what RFC 1951 does not allow', () => {
      const bad: Record<string, Buffer> = {
        'block type 3': pack([0, 1], [3, 2]),
        'a stored length without its complement': Buffer.from('000500faef48656c6c6f', 'hex'),
        'literal 286': pack([0, 1], [1, 2], '11000110'),
        'literal 287': pack([0, 1], [1, 2], '11000111'),
        'distance 30': pack([0, 1], [1, 2], '00110000', '0000001', '11110'),
        'distance 31': pack([0, 1], [1, 2], '00110000', '0000001', '11111'),
        'a distance with nothing before': pack([0, 1], [1, 2], '0000001', '00000'),
        'a distance of 2 with one byte before': pack(
          [0, 1],
          [1, 2],
          '00110000',
          '0000001',
          '00001',
        ),
        '287 literals and lengths': dynamic(287, 1, FEW),
        '31 distances': dynamic(257, 31, FEW),
        'no code for code lengths': dynamic(
          257,
          1,
          {},
          ...Array<[number, number]>(9).fill([0, 30]),
        ),
        'a code for code lengths that is over-subscribed': dynamic(257, 1, { 0: 1, 1: 1, 2: 1 }),
        'a code for code lengths that is incomplete': dynamic(257, 1, { 0: 1, 1: 2 }),
        'a code for code lengths of one symbol': dynamic(257, 1, { 0: 1 }, [0, 30]),
        'a repetition of nothing': dynamic(257, 1, { 0: 1, 16: 1 }, '1', [0, 2]),
        'a code length past the last symbol': dynamic(
          257,
          10,
          FEW,
          ...['10', ...zeros(138), ...zeros(117), '10', ...zeros(11)],
        ),
        'no end of block': dynamic(257, 1, FEW, '10', '10', ...zeros(138), ...zeros(117), '0'),
        'literals over-subscribed': dynamic(
          257,
          1,
          FEW,
          ...['10', '10', ...zeros(138), ...zeros(116)],
          '10',
          '0',
        ),
        'literals incomplete': dynamic(
          257,
          1,
          { 0: 1, 2: 2, 18: 2 },
          ...['10', '10', ...zeros(138), ...zeros(116)],
          '10',
          '0',
        ),
        'distances over-subscribed': dynamic(
          257,
          3,
          FEW,
          ...['10', ...zeros(138), ...zeros(117)],
          ...['10', '10', '10', '10'],
        ),
        'distances incomplete': dynamic(
          257,
          2,
          { 0: 2, 1: 2, 2: 2, 18: 2 },
          ...['01', ...zeros(138), ...zeros(117)],
          ...['01', '10', '10'],
        ),
      };
      for (const [name, data] of Object.entries(bad)) {
        assert.equal(reference(data), undefined, `${name}: zlib takes it`);
        assert.equal(verdict(codec, data), BAD, name);
        const slowly = new Stream(codec);
        const answers = [...data].map((byte) => slowly.feed(Buffer.from([byte])));
        assert.equal(answers.at(-1), BAD, `${name}, byte by byte`);
      }
    });

    it('takes one distance code of one bit, or none, until another is used', () => {
      const head = (distance: string): ([number, number] | string)[] => [
        ...['10', ...zeros(138), ...zeros(117), '10'], // 0: 1 bit, 256: 1 bit
        distance,
      ];
      const none = dynamic(257, 1, FEW, ...head('0'), '0', '1');
      const one = dynamic(257, 1, FEW, ...head('10'), '0', '1');
      for (const data of [none, one]) {
        assert.deepEqual(reference(data), Buffer.from([0]));
        assert.equal(verdict(codec, data), MORE);
      }
      // 0 and 257 have one bit and two, 256 two; the match's distance has the code that is not there.
      const lengths = [...['10', ...zeros(138), ...zeros(117)]];
      const codes = { 0: 2, 1: 2, 2: 2, 18: 2 };
      const far = (bit: string): Buffer =>
        dynamic(258, 1, codes, '01', ...lengths.slice(1), '10', '10', '01', '0', '11', bit, '10');
      assert.deepEqual(reference(far('0')), Buffer.alloc(4));
      assert.equal(verdict(codec, far('0')), MORE);
      assert.equal(reference(far('1')), undefined);
      assert.equal(verdict(codec, far('1')), BAD);
    });

    it('stays bad', () => {
      const stream = new Stream(codec);
      assert.equal(stream.feed(Buffer.from([0x07])), BAD);
      assert.equal(stream.feed(message(json(100))), BAD);
      assert.equal(stream.written, 0);
    });

    it('agrees with zlib about flipped bits and random bytes', () => {
      const random = new Random(7);
      const settings: ZlibOptions[] = [{}, { strategy: Z_FIXED }, { level: 1 }, { level: 0 }];
      const counts = { [BAD]: 0, [MORE]: 0, [FULL]: 0 };
      for (let round = 0; round < (codec.debug ? 1500 : 4000); round++) {
        const kind = random.pick([json, text, runs]);
        const data = kind(random.below(random.pick([60, 600, 3000])), random);
        let stream: Buffer = Buffer.from(message(data, random.pick(settings)));
        if (random.once(10)) stream = random.bytes(random.below(200));
        for (let flips = random.below(4); flips > 0 && stream.length > 0; flips--) {
          const bit = random.below(
            random.once(2) ? Math.min(stream.length, 60) * 8 : stream.length * 8,
          );
          stream[bit >> 3] = (stream[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        }
        const expected = reference(stream);
        const inflated = new Stream(codec);
        const cut = random.below(stream.length + 1);
        const room = (): number => 1 + random.below(900);
        if (inflated.feed(stream.subarray(0, cut), room) !== BAD) {
          inflated.feed(stream.subarray(cut), room);
        }
        const { answer, output } = inflated;
        counts[answer as keyof typeof counts]++;
        assert.equal(answer, expected ? MORE : BAD, `${round}: ${stream.toString('hex')}`);
        if (expected) assert.ok(output.equals(expected), `${round}: ${stream.toString('hex')}`);
      }
      assert.ok(counts[BAD] > 100 && counts[MORE] > 100, JSON.stringify(counts));
    });
  });
}
