// Group 25: compressed messages of many kinds and sizes, whole and in fragments. RFC 7692 6, 7.2.
// The ground of Autobahn's section 12.
import { group } from '../case.js';
import type { DeflatedClient, Draft } from '../case.js';
import { kindOf } from '../client.js';
import { CORPORA, JSON_TEXT, messagesOf } from '../corpus.js';
import type { Corpus } from '../corpus.js';
import { sizes } from './deflate-shapes.js';
import type { Shape } from './deflate-shapes.js';
import { constants } from 'node:zlib';
import { BINARY, TEXT } from '../frame.js';
import { deflatedTalk, exchanges } from './deflated.js';

const TIMEOUT_MS = 10_000;
/** From here on a sender that compresses has something to gain, but for noise. */
const WORTH_COMPRESSING = 1024;

/** Whether a server compresses is its own business; that it never does is worth a note. RFC 7692 6. */
function toldWhenPlain(
  { client }: DeflatedClient,
  inform: (note: string) => void,
  size: number,
): void {
  if (size >= WORTH_COMPRESSING && client.inflater?.messages === 0)
    inform('no message came compressed');
}

const echoed = (corpus: Corpus, { size, count, fragment, words }: Shape): Draft =>
  deflatedTalk(
    '7692 6.1',
    `${corpus.name}: ${words}`,
    async (deflated, ctx) => {
      await exchanges(deflated, corpus.opcode, messagesOf(corpus, size, count), fragment);
      if (corpus.name !== 'noise') toldWhenPlain(deflated, (note) => ctx.inform(note), size);
    },
    { timeout_ms: TIMEOUT_MS },
  );

const small = [TEXT, BINARY].flatMap((opcode) =>
  [0, 1, 2, 3, 15].map((size) =>
    deflatedTalk('7692 7.2.1', `100 ${kindOf(opcode)} messages of ${size} bytes`, (deflated) =>
      exchanges(
        deflated,
        opcode,
        Array.from({ length: 100 }, (_, i) => Buffer.alloc(size, `${i} `)),
      ),
    ),
  ),
);

const STRATEGIES: [name: string, strategy: number][] = [
  ['default', constants.Z_DEFAULT_STRATEGY],
  ['filtered', constants.Z_FILTERED],
  ['Huffman only', constants.Z_HUFFMAN_ONLY],
  ['run lengths', constants.Z_RLE],
  ['fixed codes', constants.Z_FIXED],
];

/** Levels and strategies make every kind of block; a small memLevel makes many of them. */
const zlibs = STRATEGIES.flatMap(([name, strategy]) =>
  [0, 1, 6, 9].flatMap((level) =>
    [1, 9].map((memLevel) =>
      deflatedTalk(
        '7692 7.2.1',
        `JSON by zlib's level ${level}, ${name}, memLevel ${memLevel}`,
        async ({ client, agreement }, ctx) => {
          const deflate = ctx.deflater({ ...agreement.client, level, memLevel, strategy });
          const messages = [100, 3000, 60_000].flatMap((size) => messagesOf(JSON_TEXT, size, 4));
          await exchanges({ client, agreement, deflate }, TEXT, messages);
        },
        { timeout_ms: TIMEOUT_MS },
      ),
    ),
  ),
);

export const deflateEcho = group(25, 'deflate echo', [
  ...CORPORA.map((corpus) => sizes.map((shape) => echoed(corpus, shape))),
  small,
  zlibs,
]);
