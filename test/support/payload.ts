// Words of a vector → bytes: `"Hello"`, `300 x 61`, `de ad be ef`, and whole `frame …` lines.

import { encode } from './frames.js';

/** The masking key of RFC 6455 5.7. */
export const KEY = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

const OPCODES: Record<string, number> = {
  cont: 0,
  text: 1,
  binary: 2,
  close: 8,
  ping: 9,
  pong: 10,
};

/** An opcode's name, or `opN` with a hexadecimal digit for the reserved ones. */
export function opcodeOf(word: string): number | undefined {
  const reserved = /^op([0-9a-f])$/.exec(word);
  return reserved ? Number.parseInt(reserved[1] ?? '', 16) : OPCODES[word];
}

/** `"text"` (JSON, as UTF-8), `N x HH` (N equal bytes), bytes in hex, or nothing. */
export function payloadOf(words: string): Buffer {
  const text = words.trim();
  if (text === '') return Buffer.alloc(0);
  if (text.startsWith('"')) return Buffer.from(JSON.parse(text) as string, 'utf8');
  const fill = /^(\d+) x ([0-9a-f]{2})$/.exec(text);
  if (fill) return Buffer.alloc(Number(fill[1]), Number.parseInt(fill[2] ?? '', 16));
  if (!/^[0-9a-f]{2}( *[0-9a-f]{2})*$/.test(text)) throw new Error(`no payload: ${text}`);
  return Buffer.from(text.replace(/ /g, ''), 'hex');
}

/** `CODE "reason"`, or bytes in hex as anywhere else. */
function closePayloadOf(words: string): Buffer {
  const coded = /^(\d{1,5})(?:\s+(".*"))?$/.exec(words.trim());
  if (!coded || (coded[1] ?? '').length < 3) return payloadOf(words);
  const code = Buffer.alloc(2);
  code.writeUInt16BE(Number(coded[1]));
  return Buffer.concat([code, payloadOf(coded[2] ?? '')]);
}

/**
 * A line `frame [more] [rsvN] [plain|masked|key HHHHHHHH] [len16|len64] OPCODE PAYLOAD`.
 *
 * @param line without `frame`
 * @param toServer whether it is masked when it does not say
 */
function frameOf(line: string, toServer: boolean): Buffer {
  let key: Buffer | undefined = toServer ? KEY : undefined;
  let bits: 16 | 64 | undefined;
  let fin = true;
  let rsv = 0;
  let rest = line.trim();
  while (true) {
    const [word = ''] = /^\S+/.exec(rest) ?? [];
    rest = rest.slice(word.length).trim();
    const opcode = opcodeOf(word);
    if (opcode !== undefined) {
      const payload = word === 'close' ? closePayloadOf(rest) : payloadOf(rest);
      return encode({ fin, rsv, opcode, payload, key, ...(bits ? { bits } : {}) });
    }
    if (word === 'more') fin = false;
    else if (/^rsv[1-7]$/.test(word)) rsv = Number(word[3]);
    else if (word === 'plain') key = undefined;
    else if (word === 'masked') key = KEY;
    else if (word === 'len16') bits = 16;
    else if (word === 'len64') bits = 64;
    else if (word === 'key') {
      key = payloadOf(rest.slice(0, 8));
      rest = rest.slice(8).trim();
    } else throw new Error(`no frame: ${line}`);
  }
}

/** One line of an `in` block → bytes; what follows ` #` is a comment. */
export function inputOf(line: string, toServer: boolean): Buffer {
  const text = line.replace(/(^|\s)#.*$/, '').trim();
  const repeated = /^(\d+) times (.*)$/.exec(text);
  if (repeated) {
    const once = inputOf(repeated[2] ?? '', toServer);
    return Buffer.concat(Array<Buffer>(Number(repeated[1])).fill(once));
  }
  if (text.startsWith('frame ')) return frameOf(text.slice(6), toServer);
  return payloadOf(text);
}
