// limpetd --daemon, --pid-file, --syslog, --log-level, SIGHUP → a process like any other of the system.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { text } from '../conformance/frame.js';
import { Peer } from '../host/support/peer.js';
import { Certificate, certificateFiles, directory } from '../support/certificate.js';
import { until, within } from '../host/support/wait.js';
import { skips } from './support/build.js';
import { limpetd, ran } from './support/limpetd.js';

const KIND = 'wasm2c';
const skip = skips(KIND);

/** Who is at work, by the file that says so; it is ended with the test. */
function processOf(t: TestContext, file: string): number {
  const pid = Number(readFileSync(file, 'utf8'));
  assert.ok(pid > 1);
  t.after(() => {
    if (existsSync(file)) process.kill(pid, 'SIGKILL');
  });
  return pid;
}

test(
  '--daemon: in the background once it listens, its id in the file, and gone at SIGTERM',
  { skip },
  async (t) => {
    const file = join(directory(t), 'limpetd.pid');
    const flags = ['--echo', '--port', '0', '--daemon', '--pid-file', file];
    const { code, stdout, stderr } = await ran(t, KIND, ...flags);
    assert.deepEqual([code, stderr], [0, '']);
    const pid = processOf(t, file);
    const port = Number(/:(\d+)\/\n/.exec(stdout)?.[1]);
    const peer = await Peer.open(port);
    t.after(() => peer.transport.destroy());
    peer.write(text('from afar'));
    assert.equal(await peer.text(), 'from afar');
    for (const fd of [0, 1, 2]) assert.equal(readlinkSync(`/proc/${pid}/fd/${fd}`), '/dev/null');
    assert.equal(readlinkSync(`/proc/${pid}/cwd`), process.cwd());
    const [, , , group, session] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/\(.*\)/, '')
      .split(/ +/);
    assert.notEqual(Number(session), pid, 'it leads no session');
    assert.notEqual(Number(group), process.pid);

    // A second one does not start, in the background or not, and says why.
    for (const extra of [['--daemon'], []]) {
      const again = await ran(t, KIND, '--port', '0', '--pid-file', file, ...extra);
      assert.equal(again.code, 1);
      assert.equal(again.stderr, `limpetd: ${file} is locked by process ${pid}\n`);
      assert.equal(again.stdout, '');
    }
    assert.equal(Number(readFileSync(file, 'utf8')), pid);

    process.kill(pid, 'SIGTERM');
    assert.deepEqual(await peer.closeFrame(), [1001, '']);
    await until(() => !existsSync(file), 'the end of the file');
  },
);

test(
  '--daemon: what keeps it from starting is told on the terminal, and 1',
  { skip },
  async (t) => {
    const file = join(directory(t), 'limpetd.pid');
    const { port } = await limpetd(t, KIND);
    const flags = ['--daemon', '--pid-file', file, '--port', String(port)];
    const { code, stdout, stderr } = await ran(t, KIND, ...flags);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, new RegExp(`^limpetd: port ${port} is in use; .*\\n`));
    assert.ok(!existsSync(file), 'no file stays behind');
    const nowhere = await ran(
      t,
      KIND,
      '--daemon',
      '--port',
      '0',
      '--pid-file',
      '/no/such/folder/pid',
    );
    assert.equal(nowhere.code, 1);
    assert.equal(nowhere.stderr, 'limpetd: /no/such/folder/pid: No such file or directory\n');
  },
);

test('--pid-file without --daemon: there while it serves', { skip }, async (t) => {
  const file = join(directory(t), 'limpetd.pid');
  const { child } = await limpetd(t, KIND, '--pid-file', file);
  assert.equal(readFileSync(file, 'utf8'), `${child.pid}\n`);
  child.kill('SIGINT');
  assert.equal((await child.ended()).code, 0);
  assert.ok(!existsSync(file));
});

test(
  '--log-level info: what clients do wrong is told; by default it is not',
  { skip },
  async (t) => {
    const told = async (...flags: string[]) => {
      const { child, port } = await limpetd(t, KIND, '--echo', ...flags);
      const peer = await Peer.open(port);
      // A frame of a reserved opcode. RFC 6455 5.2.
      peer.write(Buffer.from([0x83, 0x80, 0, 0, 0, 0]));
      assert.equal((await peer.closeFrame())[0], 1002);
      peer.transport.destroy();
      child.kill('SIGTERM');
      return (await child.ended()).stderr;
    };
    assert.equal(await told(), '');
    assert.match(await told('--log-level', 'info'), /^\d{4}-\d\d-\d\dT[\d:.]+Z info: .+\n/);
    assert.equal(await told('--log-level', 'info', '--syslog'), '', 'syslog has it');
  },
);

/** The certificate that a new connection is given. */
async function given(port: number, ca: string): Promise<boolean> {
  const ws = new WebSocket(`wss://127.0.0.1:${port}/`, { ca });
  const done = await within(Promise.race([once(ws, 'open'), once(ws, 'error')]), 'an answer').catch(
    () => [''],
  );
  ws.terminate();
  return done.length === 0;
}

for (const [how, hup] of [
  ['when they change', false],
  ['at SIGHUP', true],
] as const) {
  test(`certificates are read again ${how}; a bad pair changes nothing`, { skip }, async (t) => {
    const pair = new Certificate(['127.0.0.1']);
    const path = directory(t);
    const { certFile, keyFile } = certificateFiles(t, pair, path);
    const flags = ['--echo', '--tls-cert', certFile, '--tls-key', keyFile];
    const { child, port } = await limpetd(t, KIND, ...flags);
    assert.match(child.stdout, /https:\/\/127\.0\.0\.1:\d+\//);
    const client = new WebSocket(`wss://127.0.0.1:${port}/`, { ca: pair.cert });
    await within(once(client, 'open'), 'open');
    const fresh = new Certificate(['127.0.0.1']);
    certificateFiles(t, { cert: fresh.cert, key: pair.key }, path);
    if (hup) child.kill('SIGHUP');
    await until(() => child.stderr !== '', 'the complaint');
    assert.match(child.stderr, /^\S+Z error: certificates changed, the old ones stay: .+\n$/);
    assert.ok(await given(port, pair.cert), 'the old one is given');
    certificateFiles(t, fresh, path);
    if (hup) child.kill('SIGHUP');
    const end_ms = performance.now() + 5000;
    while (!(await given(port, fresh.cert))) assert.ok(performance.now() < end_ms, 'the new one');
    client.send('hello');
    assert.equal(String((await within(once(client, 'message'), 'an echo'))[0]), 'hello');
    client.terminate();
  });
}

test('SIGHUP without TLS is nothing', { skip }, async (t) => {
  const { child, port } = await limpetd(t, KIND, '--echo');
  child.kill('SIGHUP');
  const peer = await Peer.open(port);
  peer.write(text('still here'));
  assert.equal(await peer.text(), 'still here');
  peer.transport.destroy();
  child.kill('SIGTERM');
  assert.deepEqual([(await child.ended()).code, child.stderr], [0, '']);
});
