// assembly/http/text.ts → each text's bytes are those of the comment above it, and a 0.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';

/** A text, and one that only some features have. */
const TEXT =
  /\/\*\* (.*) \*\/\n(?:\/\/.*\n)?(?:@lazy )?(?:export )?const (\w+): usize =[^[;]*memory\.data<u8>\(\s*\[([\d,\s]*)\],\s*1,?\s*\)[^;]*;/g;

it('the texts of the handshake are what their comments say', () => {
  const source = readFileSync('assembly/http/text.ts', 'utf8');
  const texts = [...source.matchAll(TEXT)];
  assert.equal(
    texts.length,
    source.split(' memory.data<u8>(').length - 1,
    'each text has its comment',
  );
  for (const [, comment = '', name = '', numbers = ''] of texts) {
    const bytes = numbers.match(/\d+/g)?.map(Number) ?? [];
    const text = comment.replaceAll('\\r', '\r').replaceAll('\\n', '\n').replaceAll('\\0', '\0');
    assert.equal(Buffer.from(bytes).toString('latin1'), `${text}\0`, name);
    if (name.endsWith('NAMES'))
      assert.equal(text, text.toLowerCase(), `${name} is compared in lower case`);
  }
});
