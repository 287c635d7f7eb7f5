// server.memory() → held against the ABI, and against the bytes that connections really touch.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Region } from '../../build/limpet.abi.js';
import { createServer, type Core } from '../../host/node/index.js';
import { deflating } from './support/deflating.js';
import { serving } from './support/serving.js';
import { until } from './support/wait.js';

/** The pools of a profile. */
function limitsOf(profile: string): Record<string, number> {
  return JSON.parse(readFileSync(`assembly/profiles/${profile}.json`, 'utf8')) as Record<
    string,
    number
  >;
}

for (const profile of ['nano', 'micro', 'server']) {
  test(`${profile}: what is said of a connection adds up to the regions`, () => {
    const server = createServer({ profile });
    const { connection, connectionBytes, context, regions, sessions, reserved, instances } =
      server.memory();
    const limits = limitsOf(profile);
    assert.equal(sessions, limits.sessions);
    assert.equal(instances, 1);
    assert.equal(reserved, server.core.u8.length);
    for (const [name, region] of Object.entries(Region)) {
      const bytes = server.core.exports.limpet_region_size(region);
      assert.equal(regions[name as keyof typeof Region], bytes, name);
    }
    assert.equal(connection.session * sessions, regions.SESSIONS);
    assert.equal(connection.rates * sessions, regions.RATES);
    assert.equal(connection.heartbeats * sessions, regions.HEARTBEATS);
    const addresses = regions.ADDRESSES - connection.address * sessions;
    assert.ok(addresses >= 0 && addresses < sessions, `${addresses} bytes are of no connection`);
    const { session, publications, address, rates, heartbeats } = connection;
    assert.equal(connectionBytes, session + publications + address + rates + heartbeats);
    if (profile === 'nano') assert.equal(connectionBytes, session);
    const windows = regions.WINDOWS > 0 ? limits.takeovers : 0;
    assert.deepEqual([context.most, context.incoming], [windows, context.outgoing]);
    assert.equal(context.incoming * windows, regions.WINDOWS);
    if (windows > 0) assert.equal(context.incoming, 8 + 2 ** limits.takeoverBits);
  });
}

/** The first and the last byte of a region that is not what it was. */
function touched(core: Core, region: Region, before: Uint8Array): number {
  const from = core.exports.limpet_region(region);
  const now = core.u8.subarray(from, from + before.length);
  const first = now.findIndex((byte, i) => byte !== before[i]);
  return first < 0 ? 0 : now.findLastIndex((byte, i) => byte !== before[i]) + 1 - first;
}

test('connections touch no more of these regions than is said', async (t) => {
  const { server, open } = await serving(t, {
    profile: 'micro',
    heartbeat: { interval: 5 },
    rateLimit: { messages: 1000 },
  });
  const { core } = server;
  const { connection } = server.memory();
  const perConnection: [Region, number][] = [
    [Region.SESSIONS, connection.session],
    [Region.RATES, connection.rates],
    [Region.HEARTBEATS, connection.heartbeats],
  ];
  const before = new Map(
    perConnection.map(([region]) => {
      const from = core.exports.limpet_region(region);
      return [region, core.u8.slice(from, from + core.exports.limpet_region_size(region))];
    }),
  );
  const most = 5;
  for (let count = 1; count <= most; count++) {
    const peer = await open();
    // A heartbeat and a message have come and gone.
    peer.write(Buffer.from('818100000000' + '61', 'hex'));
    await peer.frame();
    await until(() => server.metrics().messagesIn === count, 'the message');
    for (const [region, bytes] of perConnection) {
      const grown = touched(core, region, before.get(region) ?? new Uint8Array());
      assert.ok(grown > (count - 1) * bytes, `region ${region}: ${grown} bytes for ${count}`);
      assert.ok(grown <= count * bytes, `region ${region}: ${grown} bytes for ${count}`);
    }
  }
});

test('a context of each direction is what permessage-deflate takes', async (t) => {
  const { server, open } = deflating(t);
  const { context } = server.memory();
  assert.ok(context.incoming > 0);
  await open('permessage-deflate; client_max_window_bits; server_max_window_bits=9');
  assert.equal(server.metrics().windowsUsed, 2);
  await open('permessage-deflate; client_no_context_takeover; server_max_window_bits=9');
  assert.equal(server.metrics().windowsUsed, 3);
});

test('what is reserved is of all instances', async (t) => {
  const { server, open } = await serving(t, { profile: 'nano', maxConnections: 12 });
  const one = server.memory();
  for (let i = 0; i < 9; i++) await open();
  const three = server.memory();
  assert.deepEqual([one.instances, three.instances], [1, 3]);
  assert.equal(three.reserved, 3 * one.reserved);
  assert.equal(three.connectionBytes, one.connectionBytes);
});
