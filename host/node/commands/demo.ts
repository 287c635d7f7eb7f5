// The page of `npm start`: GET / is the page, GET /stats its counters, and connections with the
// query `demo` can ask the server to ping or to close them.

import { readFileSync } from 'node:fs';
import type { Request } from '../request.js';
import type { Server } from '../server.js';
import type { Socket } from '../socket.js';
import { echo } from './echo.js';
import { version } from './version.js';

const SECURITY = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self' ws: wss:; img-src data:",
  'X-Content-Type-Options': 'nosniff',
};
/** What the server says on its own account begins with this: U+0001, which people do not type. */
const NOTICE = '\u0001';

/** What is remembered of a connection with the query `demo`. */
interface Visitor {
  pingedAt: number;
}

export class Demo {
  readonly #began_ms = performance.now();
  readonly #page = readFileSync(new URL('./page.html', import.meta.url));

  constructor(
    private readonly server: Server,
    private readonly profile: string,
  ) {
    server.on('request', (request) => {
      this.#request(request);
    });
    server.on('open', (socket, request) => {
      if (!/(^|&)demo(=|&|$)/.test(request.query)) return;
      socket.data = { pingedAt: 0 } satisfies Visitor;
      notice(socket, { type: 'hello', session: { id: socket.id } });
    });
    server.off('message', echo);
    server.on('message', (socket, data, isBinary) => {
      const visitor = socket.data as Visitor | undefined;
      if (visitor && !isBinary && command(socket, visitor, data)) return;
      echo(socket, data, isBinary);
    });
    server.on('pong', (socket, data) => {
      const visitor = socket.data as Visitor | undefined;
      if (!visitor) return;
      const rtt_ms = Math.round((performance.now() - visitor.pingedAt) * 100) / 100;
      notice(socket, { type: 'pong', payload: data.toString(), rtt_ms });
    });
  }

  #request(request: Request): void {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      request.respond(405, { headers: { Allow: 'GET, HEAD' } });
    } else if (request.path === '/') {
      const headers = { 'Content-Type': 'text/html; charset=utf-8', ...SECURITY };
      request.respond(200, { headers, body: this.#page });
    } else if (request.path === '/stats') {
      const headers = {
        'Content-Type': 'application/json',
        'Cache-Control': 'no-store',
        ...SECURITY,
      };
      request.respond(200, { headers, body: JSON.stringify(this.#stats()) });
    } else {
      request.respond(404, { headers: { 'Content-Type': 'text/plain' }, body: 'not found\n' });
    }
  }

  #stats(): object {
    const s = this.server.stats();
    return {
      version: version(),
      profile: this.profile,
      uptime_ms: Math.round(performance.now() - this.#began_ms),
      // The request for this is a session, too: only open connections count.
      sessions: {
        active: [...this.server.sockets()].length,
        peak: s.activePeak,
        total: s.opened,
        max: s.sessions,
      },
      messages: { in: s.messagesIn, out: s.messagesOut },
      bytes: { in: s.bytesIn, out: s.bytesOut },
      memory: {
        bytes: s.memoryBytes,
        arena_used: s.arenaUsed,
        arena_peak: s.arenaPeak,
        arena: s.arena,
      },
    };
  }
}

function notice(socket: Socket, what: object): void {
  socket.send(NOTICE + JSON.stringify(what));
}

/** `/ping PAYLOAD` and `/close CODE REASON` → done; anything else is a message like any other. */
function command(socket: Socket, visitor: Visitor, data: Buffer): boolean {
  if (data.length > 200 || data[0] !== 0x2f) return false;
  const words = /^\/(ping|close)(?: (.*))?$/s.exec(data.toString());
  if (!words) return false;
  const rest = words[2] ?? '';
  if (words[1] === 'ping') {
    visitor.pingedAt = performance.now();
    const status = socket.ping(rest);
    if (status < 0) notice(socket, { type: 'error', message: 'a ping has at most 125 bytes' });
    return true;
  }
  const code = /^(\d{1,5})(?: (.*))?$/s.exec(rest);
  try {
    socket.close(code ? Number(code[1]) : 1000, code?.[2] ?? '');
  } catch (error) {
    notice(socket, { type: 'error', message: (error as Error).message });
  }
  return true;
}
