// Options → an echo server in this process that ends with its test, and its URL.

import type { TestContext } from 'node:test';
import { createServer, type Server, type ServerOptions } from '../../host/node/index.js';
import { within } from '../host/support/wait.js';

/** Echoes on every path; a text of `/close CODE REASON` is obeyed. */
export async function echoServer(
  t: TestContext,
  options: ServerOptions = {},
): Promise<{ server: Server; url: string }> {
  const server = createServer(options);
  server.on('message', (socket, data, isBinary) => {
    const [, code, reason] = /^\/close (\d+) (.*)$/.exec(isBinary ? '' : data.toString()) ?? [];
    if (code) socket.close(Number(code), reason);
    else socket.send(data, { binary: isBinary });
  });
  server.on('upgrade', (request) => {
    request.accept({ protocol: request.protocols[0] ?? '' });
  });
  const { port } = await server.listen();
  t.after(() => within(server.close({ timeout: 0 }), 'server.close'));
  return { server, url: `ws://127.0.0.1:${port}/` };
}
