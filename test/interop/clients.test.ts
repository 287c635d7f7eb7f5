// undici, Chromium and Firefox as clients of a server of limpet/ws, and of the same server of `ws` → the
// same lines.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { WebSocket } from 'undici';
import * as npm from 'ws';
import { within } from '../host/support/wait.js';
import { limpet } from '../ws/support/limpet.js';

const SCENARIO = 'test/interop/support/scenario.mjs';
const PAGE = `<!doctype html><meta charset="utf-8"><title>Limpet</title><script type="module">
  import { scenario } from './scenario.mjs';
  const lines = await scenario(location.href.replace('http', 'ws'), WebSocket);
  await fetch('lines', { method: 'POST', body: JSON.stringify(lines) });
</script>`;

type Package = typeof npm;

/** A server with the page, and whatever the scenario asks for; `lines` are what the page found. */
async function serve(t: TestContext, { WebSocketServer }: Package) {
  let found: (lines: string[]) => void;
  const lines = new Promise<string[]>((resolve) => (found = resolve));
  const http: Server = createServer((request, response) => {
    if (request.method === 'POST') {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        response.end();
        found(JSON.parse(body) as string[]);
      });
      return;
    }
    const isScript = request.url === '/scenario.mjs';
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? readFileSync(SCENARIO) : PAGE);
  });
  const wss = new WebSocketServer({
    server: http,
    perMessageDeflate: true,
    verifyClient: ({ req }: { req: { url?: string } }) => req.url !== '/refuse',
  });
  wss.on('connection', (ws, { url }) => {
    ws.on('error', () => {});
    if (url === '/close') ws.close(4001, 'enough');
    if (url === '/terminate') setTimeout(() => ws.terminate(), 50);
    if (url === '/early') ws.send('early', () => ws.close(1000));
    if (url === '/ping') {
      ws.ping('there?');
      ws.on('pong', (data) => ws.close(1000, data));
    }
    if (url === '/echo') {
      ws.on('message', (data: Buffer, isBinary) => ws.send(data, { binary: isBinary }));
    }
  });
  http.listen(0, '127.0.0.1');
  await new Promise((resolve) => http.once('listening', resolve));
  t.after(() => {
    for (const ws of wss.clients) ws.terminate();
    wss.close();
    http.closeAllConnections();
    http.close();
  });
  return { port: (http.address() as AddressInfo).port, lines };
}

/** Runs the scenario at a port, as one of the clients. */
type Run = (t: TestContext, port: number) => Promise<string[] | undefined>;

async function inUndici(_: TestContext, port: number): Promise<string[]> {
  const { scenario } = (await import(pathToFileURL(SCENARIO).href)) as {
    scenario: (url: string, constructor: typeof WebSocket) => Promise<string[]>;
  };
  return scenario(`ws://127.0.0.1:${port}/`, WebSocket);
}

/** Starts a browser with a profile of its own; what it finds comes by its page. */
const inBrowser =
  (program: string, args: (profile: string) => string[]): Run =>
  (t, port) => {
    const profile = mkdtempSync(join(tmpdir(), 'limpet-browser-'));
    const child = spawn(program, [...args(profile), `http://127.0.0.1:${port}/`], {
      stdio: 'ignore',
      env: { ...process.env, HOME: profile },
      detached: true,
    });
    const over = new Promise((resolve) => child.once('close', resolve));
    t.after(async () => {
      // Its processes are a group of their own.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await over;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    });
    return Promise.resolve(undefined);
  };

const CHROMIUM = '/usr/bin/chromium';
const FIREFOX = '/usr/bin/firefox-esr';
const clients: [name: string, program: string, run: Run][] = [
  ['undici', '', inUndici],
  [
    'Chromium',
    CHROMIUM,
    inBrowser(CHROMIUM, (profile) => [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-sync'],
      ...['--disable-background-networking', '--disable-component-update'],
      `--user-data-dir=${profile}`,
      '--remote-debugging-port=0',
    ]),
  ],
  [
    'Firefox',
    FIREFOX,
    inBrowser(FIREFOX, (profile) => ['--headless', '--no-remote', '--profile', profile]),
  ],
];

for (const [name, program, run] of clients) {
  const skip = program && !existsSync(program) ? `skipped: needs ${program}` : false;
  test(`${name}: the same with limpet/ws as with ws`, { skip }, async (t) => {
    const linesOf = async (ws: Package) => {
      const { port, lines } = await serve(t, ws);
      const own = await run(t, port);
      return own ?? (await within(lines, 'what the page found', 60_000));
    };
    const right = await linesOf(npm);
    assert.ok(right.includes('1000 in order'), right.join('\n'));
    assert.ok(right.includes('open two permessage-deflate 1'), right.join('\n'));
    assert.deepEqual(await linesOf(await limpet()), right);
  });
}
