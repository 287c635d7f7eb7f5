// Group 20: messages of up to 16 MiB in one frame, in fragments and in chops. RFC 6455 5.2, 5.4.
import { group } from '../case.js';
import type { Draft } from '../case.js';
import { kindOf } from '../client.js';
import { ascii, chops, echoes, pattern, receives, talk, whole } from '../expect.js';
import { BINARY, fragments, frame, split, TEXT } from '../frame.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const HEAVY = { heavy: true, timeout_ms: 20_000 };

const sizeOf = (length: number): string =>
  length < MIB ? `${length / KIB} KiB` : `${length / MIB} MiB`;
const payloadOf = (opcode: number, length: number): Buffer =>
  opcode === TEXT ? ascii(length) : pattern(length);
/** 12 bytes of every length of character, again and again. */
const mixedText = (length: number): Buffer => Buffer.alloc(length, 'aé水🐚zz');

const SIZES = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB];

const inOneFrame = [TEXT, BINARY].flatMap((opcode) =>
  SIZES.map((length) =>
    talk(
      '6455 5.2',
      `${kindOf(opcode)} of ${sizeOf(length)} in one frame`,
      (c) => echoes(c, opcode, payloadOf(opcode, length)),
      HEAVY,
    ),
  ),
);

const mixed = [MIB * 3, MIB * 12].map((length) =>
  talk(
    '6455 5.6',
    `text of ${sizeOf(length)}, 1- to 4-byte characters, in one frame`,
    (c) => echoes(c, TEXT, mixedText(length)),
    HEAVY,
  ),
);

const fragmented = (opcode: number, length: number, size: number): Draft =>
  talk(
    '6455 5.4',
    `${kindOf(opcode)} of ${sizeOf(length)} in fragments of ${size < KIB ? `${size} B` : sizeOf(size)}`,
    async (c) => {
      const payload = payloadOf(opcode, length);
      await c.send(Buffer.concat(fragments(opcode, split(payload, size))));
      await receives(c, [{ kind: kindOf(opcode), data: payload }]);
    },
    HEAVY,
  );

const FRAGMENTS = [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB];

const inFragments = [TEXT, BINARY].flatMap((opcode) => [
  ...SIZES.filter((n) => n < 4 * MIB).map((n) => fragmented(opcode, n, 64)),
  ...FRAGMENTS.map((size) => fragmented(opcode, 4 * MIB, size)),
  fragmented(opcode, 8 * MIB, 4 * KIB),
  fragmented(opcode, 16 * MIB, 64 * KIB),
]);

const inChops = [TEXT, BINARY].flatMap((opcode) =>
  [64, 128, 256, 512, 1024, 2048].map((size) =>
    talk(
      '6455 5.2',
      `${kindOf(opcode)} of 1 MiB in chops of ${size} bytes`,
      (c) => echoes(c, opcode, payloadOf(opcode, MIB), chops(size)),
      HEAVY,
    ),
  ),
);

/** Fragments as a sender makes them that knows its segment size. */
const automatic = [TEXT, BINARY].flatMap((opcode) => [
  talk('6455 5.4', `${kindOf(opcode)} of 65,536 bytes in fragments of 1,300`, async (c) => {
    const payload = payloadOf(opcode, 65536);
    await c.sendPieces(fragments(opcode, split(payload, 1300)));
    await receives(c, [{ kind: kindOf(opcode), data: payload }]);
  }),
  talk(
    '6455 5.4',
    `ten ${kindOf(opcode)} messages of 65,536 bytes in fragments of 1,300, one write`,
    async (c) => {
      const payload = payloadOf(opcode, 65536);
      await c.send(
        Buffer.concat(
          Array.from({ length: 10 }, () => fragments(opcode, split(payload, 1300))).flat(),
        ),
      );
      await receives(
        c,
        Array.from({ length: 10 }, () => ({ kind: kindOf(opcode), data: payload })),
      );
    },
  ),
]);

const inARow = [
  talk(
    '6455 5.2',
    '8 messages of 2 MiB in a row, one connection',
    async (c) => {
      for (let i = 0; i < 8; i++) await echoes(c, BINARY, pattern(2 * MIB - i));
    },
    HEAVY,
  ),
  talk(
    '6455 5.2',
    '16 messages of 1 MiB sent before the first echo is read',
    async (c) => {
      const payload = pattern(MIB);
      await whole(
        c,
        Buffer.concat(Array.from({ length: 16 }, () => frame({ opcode: BINARY, payload }))),
      );
      await receives(
        c,
        Array.from({ length: 16 }, () => ({ kind: 'binary', data: payload })),
      );
    },
    HEAVY,
  ),
];

export const bigMessages = group(20, 'big messages', [
  inOneFrame,
  mixed,
  inFragments,
  inChops,
  automatic,
  inARow,
]);
