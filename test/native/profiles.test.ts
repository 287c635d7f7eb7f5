// The cores of small profiles behind limpetd: what they lack is answered, and what they have works.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { binary, text } from '../conformance/frame.js';
import { Peer } from '../host/support/peer.js';
import { skips, type Kind } from './support/build.js';
import { limpetd, ran } from './support/limpetd.js';

for (const kind of ['micro', 'nano'] satisfies Kind[]) {
  test(
    `${kind}: echoes, takes no more than its profile, and closes with 1001`,
    {
      skip: skips(kind),
    },
    async (t) => {
      const { child, port } = await limpetd(t, kind, '--echo');
      const peer = await Peer.open(port);
      t.after(() => peer.transport.destroy());
      for (const word of ['', 'a', 'b'.repeat(125), 'c'.repeat(126)]) {
        peer.write(text(word));
        assert.equal(await peer.text(), word);
      }
      const long = await Peer.open(port);
      t.after(() => long.transport.destroy());
      long.write(binary(Buffer.alloc(70_000)));
      const [code] = await long.closeFrame();
      assert.equal(code, 1009);
      child.kill('SIGTERM');
      assert.deepEqual(await peer.closeFrame(), [1001, '']);
      assert.equal((await child.ended()).code, 0);
    },
  );

  test(
    `${kind}: more connections than its pool has are cut off, and places are used again`,
    {
      skip: skips(kind),
    },
    async (t) => {
      const { port } = await limpetd(t, kind, '--echo', '--max-connections', '2');
      for (let round = 0; round < 20; round++) {
        const [one, two] = [await Peer.open(port), await Peer.open(port)];
        await assert.rejects(Peer.open(port));
        two.write(text(`round ${round}`));
        assert.equal(await two.text(), `round ${round}`);
        for (const peer of [one, two]) {
          peer.write(Buffer.from([0x88, 0x80, 0, 0, 0, 0]));
          await peer.closeFrame();
          peer.transport.destroy();
        }
      }
    },
  );
}

test('nano: what its core lacks is a refusal in words', { skip: skips('nano') }, async (t) => {
  for (const flags of [['--deflate'], ['--token', 'abc'], ['--heartbeat', '1000']]) {
    const { code, stderr } = await ran(t, 'nano', '--port', '0', ...flags);
    assert.notEqual(code, 0, flags[0]);
    assert.match(stderr, /limpetd: .*(profile|core|built|lacks|without)/, flags[0]);
  }
});
