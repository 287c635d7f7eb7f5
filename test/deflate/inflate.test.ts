// inflate: what zlib compresses comes back, whatever its settings and however it is cut.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codecs } from './harness.js';
import { MORE, Stream, type InflateExports } from './streams.js';

for (const codec of await codecs<InflateExports>('inflate')) {
  describe(`inflate, ${codec.name}`, () => {
    it('decodes the examples of RFC 7692 7.2.3', () => {
      const examples = {
        'fixed codes, 7.2.3.1': 'f248cdc9c90700',
        'stored, 7.2.3.3': '000500faff48656c6c6f00',
        'a last block, 7.2.3.4': 'f348cdc9c90700 00',
        'two blocks, 7.2.3.5': 'f248050000 00ffff cac9c90700',
      };
      for (const [name, hex] of Object.entries(examples)) {
        const stream = new Stream(codec);
        assert.equal(stream.feed(Buffer.from(hex.replaceAll(' ', ''), 'hex')), MORE, name);
        assert.ok(stream.end(), name);
        assert.equal(stream.output.toString(), 'Hello', name);
      }
    });
  });
}
