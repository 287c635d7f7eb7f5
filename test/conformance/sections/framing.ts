// Group 1: messages in one frame, at every length of interest and in every cut. RFC 6455 5.2, 5.6.
import { group } from '../case.js';
import type { Draft } from '../case.js';
import {
  ascii,
  byteByByte,
  chops,
  echoes,
  hex,
  pattern,
  receives,
  talk,
  wantText,
  whole,
} from '../expect.js';
import type { Sending } from '../expect.js';
import { BINARY, TEXT, binary, text } from '../frame.js';

/** The edges of the three length fields: 7, 16 and 64 bits. */
const EDGE_LENGTHS = [0, 1, 125, 126, 127, 128, 65535, 65536];

const textOf = (length: number, how: string, sending: Sending): Draft =>
  talk('6455 5.2', `text of ${length} bytes ${how}`, (c) =>
    echoes(c, TEXT, ascii(length), sending),
  );
const binaryOf = (length: number, how: string, sending: Sending): Draft =>
  talk('6455 5.2', `binary of ${length} bytes ${how}`, (c) =>
    echoes(c, BINARY, pattern(length), sending),
  );

const wholeText = EDGE_LENGTHS.map((n) => textOf(n, 'in one write', whole));
const wholeBinary = EDGE_LENGTHS.map((n) => binaryOf(n, 'in one write', whole));

const chopped = [
  textOf(65536, 'in chops of 997 bytes', chops(997)),
  binaryOf(65536, 'in chops of 997 bytes', chops(997)),
  textOf(65535, 'in chops of 4096 bytes', chops(4096)),
  binaryOf(65535, 'in chops of 4095 bytes', chops(4095)),
];

const bytewise = [
  ...[0, 1, 125, 126, 127, 128].map((n) => textOf(n, 'byte by byte', byteByByte)),
  ...[0, 1, 125, 126, 127, 128].map((n) => binaryOf(n, 'byte by byte', byteByByte)),
];

/** One connection; the frame goes out in two writes, cut behind each byte of its header in turn. */
const headerCuts = (length: number, header: number): Draft =>
  talk('6455 5.2', `a ${header}-byte header cut in two at each byte`, async (c) => {
    for (let cut = 1; cut <= header; cut++) {
      const bytes = text(ascii(length));
      await c.sendPieces([bytes.subarray(0, cut), bytes.subarray(cut)], 2);
      await receives(c, [wantText(ascii(length))]);
    }
  });

const cuts = [headerCuts(5, 6), headerCuts(200, 8), headerCuts(65536, 14)];

const several = [
  talk('6455 5.2', 'two messages in one write', async (c) => {
    await c.send(Buffer.concat([text('one'), text('two')]));
    await receives(c, [wantText('one'), wantText('two')]);
  }),
  talk('6455 5.2', '100 messages in one write', async (c) => {
    const words = Array.from({ length: 100 }, (_, i) => `message ${i}`);
    await c.send(Buffer.concat(words.map((w) => text(w))));
    await receives(c, words.map(wantText));
  }),
  talk('6455 5.2', '100 messages in chops of 7 bytes', async (c) => {
    const words = Array.from({ length: 100 }, (_, i) => `message ${i}`);
    await c.sendChopped(Buffer.concat(words.map((w) => text(w))), 7);
    await receives(c, words.map(wantText));
  }),
  talk('6455 5.2', 'three empty messages in one write', async (c) => {
    await c.send(Buffer.concat([text(''), text(''), text('')]));
    await receives(c, [wantText(''), wantText(''), wantText('')]);
  }),
  talk('6455 5.6', 'text and binary by turns keep their types', async (c) => {
    for (let i = 0; i < 10; i++) await echoes(c, i % 2 ? BINARY : TEXT, ascii(i));
  }),
];

const sweeps = [
  talk('6455 5.2', 'text of every length from 0 to 300', async (c) => {
    for (let n = 0; n <= 300; n++) await echoes(c, TEXT, ascii(n));
  }),
  talk('6455 5.2', 'binary of every length from 65,500 to 65,600', async (c) => {
    for (let n = 65500; n <= 65600; n++) await echoes(c, BINARY, pattern(n));
  }),
  talk('6455 5.6', 'binary of all 256 byte values', (c) =>
    echoes(c, BINARY, Buffer.from(Array.from({ length: 256 }, (_, i) => i))),
  ),
  talk('6455 5.7', 'the masked "Hello" of the RFC, byte for byte', async (c) => {
    await c.send(hex('81 85 37fa213d 7f9f4d5158'));
    await receives(c, [wantText('Hello')]);
  }),
  talk('6455 5.2', 'a message, 300 ms of silence in the next header, then the rest', async (c) => {
    await echoes(c, TEXT, Buffer.from('before'));
    const bytes = binary(pattern(200));
    await c.sendPieces([bytes.subarray(0, 3), bytes.subarray(3)], 300);
    await receives(c, [{ kind: 'binary', data: pattern(200) }]);
  }),
];

export const framing = group(1, 'framing', [
  wholeText,
  wholeBinary,
  chopped,
  bytewise,
  cuts,
  several,
  sweeps,
]);
