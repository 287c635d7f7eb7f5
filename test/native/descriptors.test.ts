// A process that may have few descriptors → connections beyond them wait, and are served later.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { text } from '../conformance/frame.js';
import { handshake, Peer } from '../host/support/peer.js';
import { pass, until } from '../host/support/wait.js';
import { built, skips } from './support/build.js';
import { get, served } from './support/limpetd.js';

const KIND = 'wasm2c';
const DESCRIPTORS = 48;

test(
  'out of descriptors: accepting rests, with a line, and goes on',
  { skip: skips(KIND) },
  async (t) => {
    const program = `${await built(KIND)}/limpetd`;
    const limited = `ulimit -n ${DESCRIPTORS}; exec "$0" --port 0 --echo --metrics`;
    const { child, port } = await served(t, '/bin/sh', '-c', limited, program);
    const peers = await Promise.all(Array.from({ length: 80 }, () => Peer.connect(port)));
    t.after(() => {
      for (const peer of peers) peer.transport.destroy();
    });
    // The kernel has accepted all of them; the server takes as many as it can.
    const open: Peer[] = [];
    for (const peer of peers) {
      peer.write(handshake());
      void peer.upgraded().then(
        () => open.push(peer),
        () => undefined,
      );
    }
    await until(() => child.stderr.includes('descriptor'), 'the line');
    await until(() => open.length > DESCRIPTORS / 2, 'those that there are descriptors for');
    await pass(300);
    assert.ok(open.length < DESCRIPTORS, `${open.length} connections`);
    assert.equal(
      child.stderr.match(/\n/g)?.length,
      1,
      `one line, not one for each try: ${child.stderr}`,
    );
    assert.match(child.stderr, /^\S+Z warning: .*descriptor.*\n$/);

    // Those that are open are served meanwhile.
    const [one] = open;
    one.write(text('here'));
    assert.equal(await one.text(), 'here');
    const busy = cpuTicks(child.pid);
    await pass(500);
    const used = cpuTicks(child.pid) - busy;
    assert.ok(used < 15, `it does not turn in circles: ${used} ticks of 10 ms in 500 ms`);

    // Descriptors are free again: the others get in, and all is as it was.
    for (const peer of peers.slice(0, 60)) peer.transport.destroy();
    const late = peers[79];
    await until(() => open.includes(late), 'those that waited');
    late.write(text('at last'));
    assert.equal(await late.text(), 'at last');
    assert.equal((await get(port, '/metrics')).status, 200);
    child.kill('SIGTERM');
    assert.equal((await child.ended()).code, 0);
  },
);

/** User and system time of a process, in ticks. proc(5), stat. */
function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
