// Group 7: all that UTF-8 allows comes back unchanged, in every cut; binary is not looked at.
// RFC 6455 5.6, 8.1; RFC 3629.
import { group } from '../case.js';
import type { Draft } from '../case.js';
import { kindOf } from '../client.js';
import type { Client } from '../client.js';
import { byteByByte, echoes, hex, receives, talk, wantText } from '../expect.js';
import { BINARY, fragments, split, TEXT, text } from '../frame.js';
import { INVALID, TRUNCATED } from './utf8-tables.js';

const inPieces = async (c: Client, opcode: number, pieces: Buffer[]): Promise<void> => {
  await c.send(Buffer.concat(fragments(opcode, pieces)));
  await receives(c, [{ kind: kindOf(opcode), data: Buffer.concat(pieces) }]);
};

const WORDS: [name: string, words: string][] = [
  ['Greek, 2-byte characters', 'Ζεὺς πατήρ'],
  ['French and Icelandic, mixed with ASCII', 'naïve café, þjóð og æði'],
  ['Japanese, 3-byte characters', '水の流れ、浜の真砂'],
  ['Hindi with combining signs', 'नमस्ते दुनिया'],
  ['Arabic and Hebrew', 'مرحبا שלום'],
  ['emoji, 4-byte characters', '🐚🌊🦀'],
  ['an emoji of several code points', '👩‍👩‍👧‍👦🏳️‍🌈'],
  ['Deseret and Gothic, 4-byte letters', '𐐔𐐯𐑅 𐌰𐍄𐍄𐌰'],
  ['1, 2, 3 and 4 bytes by turns', 'aé水🐚zß浜𐐷'],
  ['a byte order mark, which is kept', '\ufeffmark'],
  ['the replacement character itself', '\ufffd\ufffd'],
  ['all of ASCII with NUL', String.fromCharCode(...Array.from({ length: 128 }, (_, i) => i))],
];

const words = WORDS.map(([name, s]) =>
  talk('6455 5.6', `${name}: whole, byte by byte, in fragments of 1, 2 and 3 bytes`, async (c) => {
    const bytes = Buffer.from(s);
    await echoes(c, TEXT, bytes);
    await echoes(c, TEXT, bytes, byteByByte);
    for (const size of [1, 2, 3]) await inPieces(c, TEXT, split(bytes, size));
  }),
);

const EDGES = [
  0x0000, 0x007f, 0x0080, 0x07ff, 0x0800, 0x0fff, 0x1000, 0xcfff, 0xd000, 0xd7ff, 0xe000, 0xfffd,
  0xffff, 0x10000, 0x3ffff, 0x40000, 0xfffff, 0x100000, 0x10ffff,
];
const nameOf = (code: number): string => `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;

/** Alone, among ASCII, and cut behind each of its bytes, both as fragments and as writes. */
async function everyCut(c: Client, bytes: Buffer): Promise<void> {
  await echoes(c, TEXT, bytes);
  const among = Buffer.concat([Buffer.from('<'), bytes, Buffer.from('>')]);
  await echoes(c, TEXT, among, byteByByte);
  for (let cut = 0; cut <= among.length; cut++)
    await inPieces(c, TEXT, [among.subarray(0, cut), among.subarray(cut)]);
}

const edges = EDGES.map((code) =>
  talk('3629 3', `${nameOf(code)}, an edge, in every cut`, (c) =>
    everyCut(c, Buffer.from(String.fromCodePoint(code))),
  ),
);

/** Non-characters are code points like others: RFC 3629 3 excludes surrogates only. */
const nonCharacters: Draft[] = [
  talk('3629 3', 'non-characters U+FDD0 to U+FDEF', async (c) => {
    for (let code = 0xfdd0; code <= 0xfdef; code++)
      await echoes(c, TEXT, Buffer.from(String.fromCodePoint(code)));
  }),
  ...Array.from({ length: 17 }, (_, plane) => plane * 0x10000 + 0xfffe).map((code) =>
    talk('3629 3', `non-characters ${nameOf(code)} and ${nameOf(code + 1)} in every cut`, (c) =>
      everyCut(c, Buffer.from(String.fromCodePoint(code, code + 1))),
    ),
  ),
];

const sweeps = [
  talk('3629 3', 'a 4-byte character at each offset from 0 to 80 in ASCII', async (c) => {
    for (let at = 0; at <= 80; at++)
      await echoes(c, TEXT, Buffer.from(`${'a'.repeat(at)}🐚${'z'.repeat(80 - at)}`));
  }),
  talk('3629 3', 'every code point of the first plane, 4,096 to a message', async (c) => {
    for (let start = 0; start < 0x10000; start += 0x1000) {
      if (start === 0xd000) continue; // holds the surrogates
      const codes = Array.from({ length: 0x1000 }, (_, i) => start + i);
      await echoes(c, TEXT, Buffer.from(String.fromCodePoint(...codes)));
    }
  }),
  talk('6455 5.4', 'a ping inside a character that two fragments share', async (c) => {
    const [head, tail] = fragments(TEXT, [hex('f09f'), hex('909a')]);
    await c.send(Buffer.concat([head, hex('8980 00000000'), tail]));
    await receives(c, [{ kind: 'pong', data: Buffer.alloc(0) }, wantText('🐚')]);
  }),
  talk('3629 3', '100 KiB of 1- to 4-byte characters in fragments of 997 bytes', (c) =>
    inPieces(c, TEXT, split(Buffer.from('aé水🐚'.repeat(10240)), 997)),
  ),
  talk('3629 3', '100 KiB of 3-byte characters in chops of 1,000 bytes', async (c) => {
    const bytes = Buffer.from('水'.repeat(34134));
    await c.sendChopped(text(bytes), 1000);
    await receives(c, [wantText(bytes)]);
  }),
];

const unchecked = [
  talk('6455 5.6', 'binary messages that are no UTF-8, one for each bad sequence', async (c) => {
    for (const { bytes } of INVALID) await echoes(c, BINARY, hex(bytes));
    for (const { bytes } of TRUNCATED) await echoes(c, BINARY, hex(bytes));
  }),
  talk('6455 5.6', 'fragmented binary that is no UTF-8', (c) =>
    inPieces(c, BINARY, split(hex('c0 80 ed a0 80 f4 90 80 80 ff fe'), 2)),
  ),
  talk('6455 5.6', 'binary that is no UTF-8 between two texts', async (c) => {
    await echoes(c, TEXT, Buffer.from('Ζεὺς'));
    await echoes(c, BINARY, hex('ed a0 80'), byteByByte);
    await echoes(c, TEXT, Buffer.from('水'));
  }),
];

export const utf8Valid = group(7, 'UTF-8 valid', [words, edges, nonCharacters, sweeps, unchecked]);
