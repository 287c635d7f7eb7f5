// A port of ours → nginx or haproxy in front of it, configured in a folder of its own, gone with its test.

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { until } from '../../host/support/wait.js';

/** How a proxy is set up. */
export interface Setup {
  /** The port that it speaks to. */
  upstream: number;
  /** It terminates TLS. */
  tls?: boolean;
  /** After how long without a byte it cuts a connection, s. */
  idle_s?: number;
  /** haproxy passes bytes on, behind a header of the PROXY protocol. */
  sends?: 'send-proxy' | 'send-proxy-v2';
}

export interface Proxy {
  name: string;
  program: string;
  start: (t: TestContext, setup: Setup) => Promise<Front>;
}

export interface Front {
  port: number;
  url: string;
  /** The certificate that clients of TLS trust. */
  ca?: Buffer;
}

const find = (name: string) =>
  ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin']
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path)) ?? '';

/** Whether a test of it cannot be. */
export const skipped = ({ name, program }: Proxy): string | false =>
  program ? false : `skipped: needs ${name}`;

export const nginx: Proxy = {
  name: 'nginx',
  program: find('nginx'),
  start: (t, setup) => {
    const args = (folder: string) => ['-p', folder, '-c', 'config', '-e', 'stderr'];
    return run(t, nginx, setup, nginxConfig, args);
  },
};

export const haproxy: Proxy = {
  name: 'haproxy',
  program: find('haproxy'),
  start: (t, setup) =>
    run(t, haproxy, setup, haproxyConfig, (folder) => ['-db', '-q', '-f', join(folder, 'config')]),
};

/** One process: no daemon, no master, nothing outside of the folder. */
const nginxConfig = ({ upstream, tls, idle_s = 60 }: Setup, port: number) => `
daemon off;
master_process off;
pid pid;
events { worker_connections 512; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((one) => `${one}_temp_path temp;`).join(' ')}
  server {
    listen 127.0.0.1:${port}${tls ? ' ssl' : ''};
    ${tls ? 'ssl_certificate pem; ssl_certificate_key pem;' : ''}
    location / {
      proxy_pass http://127.0.0.1:${upstream};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_read_timeout ${idle_s}s;
      proxy_send_timeout ${idle_s}s;
    }
  }
}
`;

const haproxyConfig = (
  { upstream, tls, sends, idle_s = 60 }: Setup,
  port: number,
  folder: string,
) => `
defaults
  mode ${sends ? 'tcp' : 'http'}
  timeout connect 5s
  timeout client ${sends ? idle_s : 5}s
  timeout server ${sends ? idle_s : 5}s
  timeout tunnel ${idle_s}s
frontend front
  bind 127.0.0.1:${port}${tls ? ` ssl crt ${join(folder, 'pem')}` : ''}
  ${sends ? '' : 'option forwardfor'}
  default_backend back
backend back
  server one 127.0.0.1:${upstream} ${sends ?? ''}
`;

async function run(
  t: TestContext,
  { name, program }: Proxy,
  setup: Setup,
  config: (setup: Setup, port: number, folder: string) => string,
  args: (folder: string) => string[],
): Promise<Front> {
  const folder = mkdtempSync(join(tmpdir(), `limpet-${name}-`));
  const port = await freePort();
  const ca = setup.tls ? certificate(folder) : undefined;
  writeFileSync(join(folder, 'config'), config(setup, port, folder));
  const child = spawn(program, args(folder), { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaints = '';
  let isOver = false;
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  const over = new Promise<void>((resolve) => {
    child.once('close', () => {
      isOver = true;
      resolve();
    });
  });
  t.after(async () => {
    child.kill('SIGKILL');
    await over;
    rmSync(folder, { recursive: true });
  });
  while (!(await answers(port))) {
    if (isOver) throw new Error(`${name} ended: ${complaints}`);
  }
  return { port, url: `${setup.tls ? 'wss' : 'ws'}://127.0.0.1:${port}/`, ...(ca && { ca }) };
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await until(() => server.listening, 'a free port');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => setTimeout(resolve, 10, false));
  });
}

/** A key with its certificate in one file, as both programs take them. */
function certificate(folder: string): Buffer {
  const [key, cert, pem] = ['key', 'cert', 'pem'].map((name) => join(folder, name));
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const args = ['req', ...kind, '-days', '2', '-keyout', key, '-out', cert, ...subject];
  execFileSync('openssl', args, { stdio: 'ignore' });
  writeFileSync(pem, Buffer.concat([readFileSync(cert), readFileSync(key)]));
  return readFileSync(cert);
}
