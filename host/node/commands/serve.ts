// `limpet serve` → a running server, until Ctrl-C.

import type { AddressInfo } from 'node:net';
import type { parseArgs, ParseArgsConfig } from 'node:util';
import { createServer, type Server } from '../server.js';
import type { ServerOptions } from '../options.js';
import { TlsError } from '../tls.js';
import { Chat } from './chat.js';
import { Demo } from './demo.js';
import { Echo } from './echo.js';
import { WORKERS_MAX } from '../workers/team.js';
import { number, parse, UsageError, wordOf } from './arguments.js';

const USAGE = `usage: limpet serve [options]
  --host HOST           address to listen on (127.0.0.1)
  --port PORT           port to listen on, 0 for a free one (8080)
  --echo                every path echoes; without it only /echo does
  --demo                a page at / to try it with, and its counters at /stats
  --chat                a page at / where people talk in rooms, and nothing else
  --profile NAME        nano, micro, server, or a .wasm of limpet build (server)
  --max-message BYTES   longest message taken (16777216)
  --max-connections N   connections at once, in as many instances as it takes (one)
  --workers N           processes that serve behind the port, 0 = this one does (0)
  --ping-interval MS    silence after which a ping is sent, 0 = never (0)
  --idle-timeout MS     silence after which a connection is closed, 0 = never (0)
  --deflate[=LEVEL]     permessage-deflate, level 0 to 9 (6)
  --deflate-window W    its largest window, 8 to 15 (the profile's)
  --deflate-threshold BYTES
                        messages shorter than this go as they are (64)
  --no-context-takeover no context is kept from one message to the next
  --origin ORIGIN       pages of this origin may connect, others get 403; may be given more
                        than once (all): https://example.com, https://*.example.com
  --token TOKEN         who connects has to bring this bearer token, else 401; may be given
                        more than once (none is asked for)
  --max-per-address N   connections of one address, 0 = no bound (0)
  --trust-proxy WHAT    what tells a client's address: proxy, proxy-required or forwarded (nothing)
  --rate-messages N     messages that one connection may send in a second, 0 = no bound (0)
  --rate-bytes N        bytes that one connection may send in a second, 0 = no bound (0)
  --rate-policy WHAT    what happens past that: drop, queue or reject (drop)
  --heartbeat MS        time between two heartbeats, 0 = none (0)
  --tls-cert FILE       certificate, PEM: the server speaks https and wss; read again when it changes
  --tls-key FILE        its private key
  --metrics             counters for Prometheus at /metrics
  --quiet               print the address and nothing else`;

const FLAGS = {
  host: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '8080' },
  echo: { type: 'boolean', default: false },
  demo: { type: 'boolean', default: false },
  chat: { type: 'boolean', default: false },
  profile: { type: 'string', default: 'server' },
  'max-message': { type: 'string' },
  'max-connections': { type: 'string' },
  workers: { type: 'string' },
  'ping-interval': { type: 'string' },
  'idle-timeout': { type: 'string' },
  deflate: { type: 'string' },
  'deflate-window': { type: 'string' },
  'deflate-threshold': { type: 'string' },
  'no-context-takeover': { type: 'boolean', default: false },
  origin: { type: 'string', multiple: true },
  token: { type: 'string', multiple: true },
  'max-per-address': { type: 'string' },
  'trust-proxy': { type: 'string' },
  'rate-messages': { type: 'string' },
  'rate-bytes': { type: 'string' },
  'rate-policy': { type: 'string' },
  heartbeat: { type: 'string' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  metrics: { type: 'boolean', default: false },
  quiet: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const satisfies ParseArgsConfig['options'];

const INT_MAX = 0x7fff_ffff;

type Values = ReturnType<typeof parseArgs<{ options: typeof FLAGS }>>['values'];

/** Options that are numbers. */
type NumberOption =
  | 'maxMessage'
  | 'maxConnections'
  | 'workers'
  | 'pingInterval'
  | 'idleTimeout'
  | 'deflate'
  | 'deflateWindow'
  | 'deflateThreshold'
  | 'maxConnectionsPerAddress';

export async function serve(args: string[]): Promise<number> {
  const { values, positionals } = parse({
    // A flag whose value may be left out is none that parseArgs knows.
    args: args.filter((arg) => arg !== '--deflate'),
    allowPositionals: true,
    options: FLAGS,
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (positionals.length > 0) throw new UsageError(`${positionals[0]} is not an option`);
  if (values.chat && (values.echo || values.demo)) {
    throw new UsageError('--chat goes without --echo and --demo');
  }
  if (Number(values.workers) > 0 && (values.chat || values.demo)) {
    throw new UsageError(
      '--workers goes without --chat and --demo: their pages are of one process',
    );
  }
  const port = number('port', values.port, 0, 65535) ?? 0;
  const options = optionsOf(values, args.includes('--deflate'));
  const server = makeServer(options);
  if (values.chat) new Chat(server);
  else new Echo(server, values.echo);
  if (values.demo) new Demo(server, values.profile);
  server.on('error', complain);
  const { address, family, port: at } = await listen(server, port, values.host);
  // The primary speaks for its workers, and ends them.
  if (server.worker > 0) return 0;
  const secure = options.tls ? 's' : '';
  const where = `${family === 'IPv6' ? `[${address}]` : address}:${String(at)}`;
  console.log(`limpet listening on http${secure}://${where}/`);
  if (values.chat && !values.quiet) {
    console.log(`chat at http${secure}://${where}/, Ctrl-C ends`);
  } else if (!values.quiet) {
    const path = values.demo || !values.echo ? 'echo' : '';
    console.log(`echo at ws${secure}://${where}/${path}, Ctrl-C ends`);
  }
  await interrupted();
  if (!values.quiet) console.log('closing');
  await server.close();
  return 0;
}

/** `deflates`: whether --deflate was given without a level. */
function optionsOf(values: Values, deflates: boolean): ServerOptions {
  const options: ServerOptions = { profile: values.profile, borrow: true };
  const given: [NumberOption, number | undefined][] = [
    ['maxMessage', number('max-message', values['max-message'], 1, INT_MAX)],
    ['maxConnections', number('max-connections', values['max-connections'], 1, INT_MAX)],
    ['workers', number('workers', values.workers, 0, WORKERS_MAX)],
    ['pingInterval', number('ping-interval', values['ping-interval'], 0, INT_MAX)],
    ['idleTimeout', number('idle-timeout', values['idle-timeout'], 0, INT_MAX)],
    ['deflate', number('deflate', values.deflate, 0, 9)],
    ['deflateWindow', number('deflate-window', values['deflate-window'], 8, 15)],
    ['deflateThreshold', number('deflate-threshold', values['deflate-threshold'], 0, INT_MAX)],
    ['maxConnectionsPerAddress', number('max-per-address', values['max-per-address'], 0, INT_MAX)],
  ];
  // Without a level it is the core's.
  if (deflates) options.deflate = true;
  for (const [name, value] of given) if (value !== undefined) options[name] = value;
  options.contextTakeover = !values['no-context-takeover'];
  if (values.origin) options.allowedOrigins = values.origin;
  if (values.token) options.tokens = values.token;
  if (values.metrics) options.metrics = true;
  const interval = number('heartbeat', values.heartbeat, 0, INT_MAX);
  if (interval !== undefined) options.heartbeat = { interval };
  const messages = number('rate-messages', values['rate-messages'], 0, INT_MAX);
  const bytes = number('rate-bytes', values['rate-bytes'], 0, INT_MAX);
  const policy = wordOf('rate-policy', values['rate-policy'], ['drop', 'queue', 'reject']);
  if (messages !== undefined || bytes !== undefined || policy !== undefined) {
    options.rateLimit = { messages: messages ?? 0, bytes: bytes ?? 0, policy: policy ?? 'drop' };
  }
  const { 'tls-cert': certFile, 'tls-key': keyFile } = values;
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new UsageError('--tls-cert and --tls-key go together');
  }
  if (certFile !== undefined && keyFile !== undefined) {
    options.tls = { certFile, keyFile, watch: true };
  }
  const trusted = ['proxy', 'proxy-required', 'forwarded'] as const;
  const trustProxy = wordOf('trust-proxy', values['trust-proxy'], trusted);
  if (trustProxy) options.trustProxy = trustProxy;
  return options;
}

function makeServer(options: ServerOptions): Server {
  try {
    return createServer(options);
  } catch (error) {
    // A number that is too large for the profile, or a profile that does not exist.
    if (error instanceof RangeError || error instanceof TypeError)
      throw new UsageError(error.message);
    if (options.tls) throw new Error(`TLS: ${(error as Error).message}`);
    throw error;
  }
}

/** What clients do wrong is theirs; certificates that do not fit are told. */
function complain(error: Error): void {
  if (error instanceof TlsError && error.during !== 'handshake') console.error(error.message);
}

async function listen(server: Server, port: number, host: string): Promise<AddressInfo> {
  try {
    return await server.listen(port, host);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EADDRINUSE') {
      throw new Error(`port ${String(port)} is in use; --port chooses another, 0 a free one`);
    }
    throw new Error(`cannot listen on ${host}:${String(port)} (${code ?? String(error)})`);
  }
}

/** Resolves on the first Ctrl-C or SIGTERM; a second one ends the process as usual. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => {
      resolve();
    });
    process.once('SIGTERM', () => {
      resolve();
    });
  });
}
