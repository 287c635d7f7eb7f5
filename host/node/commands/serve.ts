// `limpet serve` → a running server, until Ctrl-C.

import type { AddressInfo } from 'node:net';
import { createServer, type Server } from '../server.js';
import type { ServerOptions } from '../options.js';
import { Demo } from './demo.js';
import { Echo } from './echo.js';
import { number, parse, UsageError } from './arguments.js';

const USAGE = `usage: limpet serve [options]
  --host HOST           address to listen on (127.0.0.1)
  --port PORT           port to listen on, 0 for a free one (8080)
  --echo                every path echoes; without it only /echo does
  --demo                a page at / to try it with, and its counters at /stats
  --profile NAME        nano, micro, server, or a .wasm of limpet build (server)
  --max-message BYTES   longest message taken (16777216)
  --max-sessions N      connections at once (all that the profile has)
  --ping-interval MS    silence after which a ping is sent, 0 = never (0)
  --idle-timeout MS     silence after which a connection is closed, 0 = never (0)
  --deflate[=LEVEL]     permessage-deflate, level 0 to 9 (6)
  --deflate-window W    its largest window, 8 to 15 (the profile's)
  --deflate-threshold BYTES
                        messages shorter than this go as they are (64)
  --no-context-takeover no context is kept from one message to the next
  --quiet               print the address and nothing else`;

const INT_MAX = 0x7fff_ffff;

/** Options that are numbers. */
type NumberOption =
  | 'maxMessage'
  | 'maxSessions'
  | 'pingInterval'
  | 'idleTimeout'
  | 'deflate'
  | 'deflateWindow'
  | 'deflateThreshold';

export async function serve(args: string[]): Promise<number> {
  const { values, positionals } = parse({
    // A flag whose value may be left out is none that parseArgs knows.
    args: args.filter((arg) => arg !== '--deflate'),
    allowPositionals: true,
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '8080' },
      echo: { type: 'boolean', default: false },
      demo: { type: 'boolean', default: false },
      profile: { type: 'string', default: 'server' },
      'max-message': { type: 'string' },
      'max-sessions': { type: 'string' },
      'ping-interval': { type: 'string' },
      'idle-timeout': { type: 'string' },
      deflate: { type: 'string' },
      'deflate-window': { type: 'string' },
      'deflate-threshold': { type: 'string' },
      'no-context-takeover': { type: 'boolean', default: false },
      quiet: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (positionals.length > 0) throw new UsageError(`${positionals[0]} is not an option`);
  const port = number('port', values.port, 0, 65535) ?? 0;
  const options: ServerOptions = { profile: values.profile, borrow: true };
  const given: [NumberOption, number | undefined][] = [
    ['maxMessage', number('max-message', values['max-message'], 1, INT_MAX)],
    ['maxSessions', number('max-sessions', values['max-sessions'], 1, INT_MAX)],
    ['pingInterval', number('ping-interval', values['ping-interval'], 0, INT_MAX)],
    ['idleTimeout', number('idle-timeout', values['idle-timeout'], 0, INT_MAX)],
    ['deflate', number('deflate', values.deflate, 0, 9)],
    ['deflateWindow', number('deflate-window', values['deflate-window'], 8, 15)],
    ['deflateThreshold', number('deflate-threshold', values['deflate-threshold'], 0, INT_MAX)],
  ];
  // Without a level it is the core's.
  if (args.includes('--deflate')) options.deflate = true;
  for (const [name, value] of given) if (value !== undefined) options[name] = value;
  options.contextTakeover = !values['no-context-takeover'];

  const server = makeServer(options);
  new Echo(server, values.echo);
  if (values.demo) new Demo(server, values.profile);
  const address = await listen(server, port, values.host);
  console.log(`limpet listening on http://${hostOf(address)}:${String(address.port)}/`);
  if (!values.quiet) {
    const path = values.demo || !values.echo ? 'echo' : '';
    console.log(`echo at ws://${hostOf(address)}:${String(address.port)}/${path}, Ctrl-C ends`);
  }
  await interrupted();
  if (!values.quiet) console.log('closing');
  await server.close();
  return 0;
}

function makeServer(options: ServerOptions): Server {
  try {
    return createServer(options);
  } catch (error) {
    // A number that is too large for the profile, or a profile that does not exist.
    if (error instanceof RangeError || error instanceof TypeError)
      throw new UsageError(error.message);
    throw error;
  }
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

function hostOf(address: AddressInfo): string {
  return address.family === 'IPv6' ? `[${address.address}]` : address.address;
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
