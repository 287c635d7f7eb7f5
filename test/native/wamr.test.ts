// examples/native/wamr.c: a module in WAMR and no library of Limpet's, with each core, its input cut in two
// anywhere.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { close, frame, PING, text } from '../conformance/frame.js';
import { built, run, skips } from './support/build.js';

const HEAD = [
  'GET /chat HTTP/1.1',
  'Host: limpet.test',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
];

const input = Buffer.concat([
  Buffer.from(`${HEAD.join('\r\n')}\r\n\r\n`),
  text('Hello'),
  frame({ opcode: PING, payload: Buffer.from('?') }),
  text('€'.repeat(100)),
  close(1000),
]);

/** What it is answered: RFC 6455 1.3 for the accept value, then the same messages without masks. */
const output = /^HTTP\/1\.1 101 [^]*Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n\r\n/;
const FRAMES = Buffer.concat([
  Buffer.from('\x81\x05Hello\x8a\x01?\x81\x7e\x01\x2c', 'latin1'),
  Buffer.from('€'.repeat(100)),
  Buffer.from('\x88\x02\x03\xe8', 'latin1'),
]);

describe('examples/native/wamr.c', { skip: skips('wamr') }, () => {
  let program = '';
  before(async () => {
    program = `${await built('wamr')}/examples/native/wamr`;
  });

  async function answered(profile: string, pieces: Buffer[]): Promise<Buffer> {
    const child = spawn(program, [`build/limpet-${profile}.wasm`]);
    const out: Buffer[] = [];
    child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
    for (const piece of pieces) {
      child.stdin.write(piece);
      if (pieces.length > 1) await new Promise((resolve) => setTimeout(resolve, 30));
    }
    child.stdin.end();
    const [code] = (await once(child, 'close')) as [number];
    assert.equal(code, 0);
    return Buffer.concat(out);
  }

  function check(answer: Buffer): void {
    const [head = ''] = output.exec(answer.toString('latin1')) ?? [];
    assert.ok(head.length > 100, answer.toString());
    assert.deepEqual(answer.subarray(head.length), FRAMES);
  }

  for (const profile of ['nano', 'micro', 'server']) {
    it(`echoes with ${profile}`, async () => {
      check(await answered(profile, [input]));
    });
  }

  it('echoes what comes in pieces', async () => {
    for (const at of [1, 100, 170, input.length - 330, input.length - 1]) {
      check(await answered('micro', [input.subarray(0, at), input.subarray(at)]));
    }
  });

  it('says what is wrong with what is no module', async () => {
    await assert.rejects(run(program, []), /usage: wamr MODULE/);
    await assert.rejects(run(program, ['package.json']), /magic header/);
  });

  it('has none of the calls of limpet_core.h', () => {
    assert.doesNotMatch(readFileSync('examples/native/wamr.c', 'utf8'), /limpet_core_\w+\(/);
  });
});
