// 5,000 connections that say nothing → what each costs, and an echo for one of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { text } from '../conformance/frame.js';
import { Peer } from '../host/support/peer.js';
import { until } from '../host/support/wait.js';
import { ENGINES, skips } from './support/build.js';
import { figure, limpetd, residentBytes } from './support/limpetd.js';

const CROWD = 5000;
/** More at once could find the backlog full, and wait for seconds. */
const AT_ONCE = 200;

/** The ring has 4,096. */
const EVENTS_EACH = 25;

/** The aim is 400; a busy machine has its pages in other places. */
const BYTES_MAX = 600;

async function crowd(port: number, count: number): Promise<Peer[]> {
  const peers: Peer[] = [];
  while (peers.length < count) {
    peers.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => Peer.open(port)))));
  }
  return peers;
}

for (const kind of ENGINES) {
  test(`${kind}: 5,000 idle connections`, { skip: skips(kind) }, async (t) => {
    const { child, port } = await limpetd(t, kind, '--echo', '--metrics');
    // The first ones touch what all share: their events fill the whole ring.
    const peers = await crowd(port, AT_ONCE);
    t.after(() => {
      for (const peer of peers) peer.transport.destroy();
    });
    for (const peer of peers) peer.write(...Array.from({ length: EVENTS_EACH }, () => text('x')));
    for (const peer of peers) for (let i = 0; i < EVENTS_EACH; i++) await peer.frame();
    const before = residentBytes(child.pid);
    peers.push(...(await crowd(port, CROWD)));
    const bytes = (residentBytes(child.pid) - before) / CROWD;
    t.diagnostic(`${kind}: ${bytes.toFixed(0)} bytes of RSS for each idle connection`);
    assert.ok(bytes < BYTES_MAX, `${bytes} bytes`);
    // The request for the counters is a session, too.
    assert.equal(await figure(port, 'pool_used{pool="sessions"}'), CROWD + AT_ONCE + 1);
    for (const peer of [peers[0], peers[CROWD / 2], peers[CROWD + AT_ONCE - 1]]) {
      peer.write(text('still here?'));
      assert.equal(await peer.text(), 'still here?');
    }
    for (const peer of peers) peer.reset();
    let left = 0;
    const asked = async () => (left = await figure(port, 'pool_used{pool="sessions"}'));
    for (let i = 0; i < 100 && (await asked()) > 1; i++) await until(() => true, 'a turn');
    assert.equal(left, 1, 'all are gone but the one that asks');
    child.kill('SIGTERM');
    const { code, stderr } = await child.ended();
    assert.deepEqual([code, stderr], [0, '']);
  });
}
