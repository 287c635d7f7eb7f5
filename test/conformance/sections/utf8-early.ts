// Group 9: the first bad byte is enough, whatever has not come yet. RFC 6455 8.1, 7.1.7.
// RFC 6455 lets a server wait, so lateness is NON-STRICT; what is never refused is FAILED.
import { group } from '../case.js';
import { ascii, byteByByte, earlyRefusal, hex, talk } from '../expect.js';
import { continuation, text } from '../frame.js';
import { INVALID } from './utf8-tables.js';
import { Failure } from '../client.js';

/** Masked header without a payload. */
const HEADER = 6;

const bytewise = INVALID.map(({ name, bytes, at }) =>
  earlyRefusal('6455 8.1', `${name}, byte by byte up to the bad one`, 1007, () => {
    const prefix = Buffer.from('κύμα ');
    const sent = text(Buffer.concat([prefix, hex(bytes), Buffer.from(' and more')]));
    const cut = HEADER + prefix.length + at + 1;
    return { head: sent.subarray(0, cut), rest: sent.subarray(cut), sending: byteByByte };
  }),
);

const FAR = 8; // header of a frame of 126 to 65,535 bytes: 2 + 2 + 4

const places = [
  earlyRefusal('6455 8.1', 'a bad byte in the first fragment, the last one not sent', 1007, () => ({
    head: text(hex('6162 ff 6364'), { fin: false }),
    rest: continuation('last'),
  })),
  earlyRefusal(
    '6455 8.1',
    'a bad byte in the second fragment, the last one not sent',
    1007,
    () => ({
      head: Buffer.concat([text('κύ', { fin: false }), continuation(hex('ed a0'), { fin: false })]),
      rest: continuation('last'),
    }),
  ),
  earlyRefusal(
    '6455 8.1',
    'a character that the next fragment spoils with its first byte',
    1007,
    () => {
      const next = continuation(hex('20 20 20'));
      const head = Buffer.concat([
        text(hex('f0 9f 90'), { fin: false }),
        next.subarray(0, HEADER + 1),
      ]);
      return { head, rest: next.subarray(HEADER + 1) };
    },
  ),
  earlyRefusal('6455 8.1', 'a bad byte in the middle of a frame, half of it sent', 1007, () => {
    const sent = text(Buffer.concat([ascii(500), hex('ff'), ascii(1500)]));
    return { head: sent.subarray(0, 1000), rest: sent.subarray(1000) };
  }),
  earlyRefusal('6455 8.1', 'a bad byte as the last one sent of a long frame', 1007, () => {
    const sent = text(Buffer.concat([ascii(500), hex('80'), ascii(1500)]));
    const cut = FAR + 501;
    return { head: sent.subarray(0, cut), rest: sent.subarray(cut) };
  }),
  earlyRefusal('6455 8.1', 'a bad byte at 1,000 of 65,000, in two writes', 1007, () => {
    const sent = text(Buffer.concat([ascii(1000), hex('c0'), ascii(63999)]));
    return {
      head: sent.subarray(0, 2000),
      rest: sent.subarray(2000),
      sending: (c, bytes) => c.sendPieces([bytes.subarray(0, FAR + 3), bytes.subarray(FAR + 3)], 5),
    };
  }),
  ...[1, 2, 3, 4].map((phase) =>
    earlyRefusal(
      '6455 8.1',
      `a bad byte at mask phase ${phase % 4}, the read cut just before it`,
      1007,
      () => {
        const sent = text(Buffer.concat([ascii(phase), hex('fe'), ascii(100)]));
        const cut = HEADER + phase;
        return {
          head: sent.subarray(0, cut + 1),
          rest: sent.subarray(cut + 1),
          sending: (c, bytes) => c.sendPieces([bytes.subarray(0, cut), bytes.subarray(cut)], 5),
        };
      },
    ),
  ),
];

/** Not every unfinished character is a bad one. */
const patience = ['c3 a9', 'e6 b0 b4', 'f0 9f 90 9a'].map((bytes) =>
  talk(
    '6455 8.1',
    `an unfinished character of ${hex(bytes).length} bytes is waited for`,
    async (c) => {
      const sent = text(hex(bytes));
      for (let i = 1; i < hex(bytes).length; i++) {
        await c.send(
          i === 1 ? sent.subarray(0, HEADER + 1) : sent.subarray(HEADER + i - 1, HEADER + i),
        );
        if (await c.waits(100)) throw new Failure(`refused after ${i} bytes of a valid character`);
      }
      await c.send(sent.subarray(sent.length - 1));
      const event = await c.next('the echo');
      if (event.kind !== 'text' || !event.data.equals(hex(bytes))) throw new Failure('not echoed');
    },
  ),
);

export const utf8Early = group(9, 'UTF-8 refused early', [bytewise, places, patience]);
