// A socket loop without a face → what its handlers were told, with a face's shortest answers.

import type { TestContext } from 'node:test';
import { FullPolicy, Option, type ErrorCode } from '../../../build/limpet.abi.js';
import type { Link } from '../../../host/node/link.js';
import { SocketLoop, type Handlers } from '../../../host/node/loop.js';
import { loadCore } from '../../../host/node/wasm.js';

export interface Looping {
  loop: SocketLoop<string>;
  /** What the handlers were told, with the owner of the link. */
  told: string[];
  handlers: Handlers<string>;
}

const QUEUE = 64 << 20;

/** A loop that accepts every upgrade; `handlers` may be changed. */
export function looping(t: TestContext, profile = 'server'): Looping {
  const told: string[] = [];
  const say = (link: Link<string>, ...words: unknown[]) => {
    told.push([link.owner ?? '-', ...words].join(' '));
  };
  const handlers: Handlers<string> = {
    upgrade: (link) => {
      say(link, 'upgrade', link.path);
      loop.acceptUpgrade(link, '', '');
      loop.proceed(link);
    },
    request: (link) => {
      say(link, 'request', link.path);
      loop.respond(link, 0, '', '');
    },
    opened: (link) => {
      say(link, 'opened');
    },
    message: (link, data, isBinary) => {
      say(link, isBinary ? 'binary' : 'text', data.length < 50 ? data : data.length);
    },
    chunk: (link, data, isBinary, flags) => {
      say(link, 'chunk', isBinary, flags, data.length);
    },
    ping: (link, data) => {
      say(link, 'ping', data);
    },
    pong: (link, data) => {
      say(link, 'pong', data);
    },
    writable: (link) => {
      say(link, 'writable');
    },
    heartbeat: (link) => {
      say(link, 'heartbeat');
    },
    closing: (link) => {
      say(link, 'closing');
    },
    leaving: () => undefined,
    failed: (link, error: ErrorCode, code) => {
      say(link, 'failed', error, code);
    },
    closed: (link, code, reason, clean) => {
      say(link, 'closed', code, reason, clean);
    },
    threw: (error) => {
      told.push(`threw ${String(error)}`);
    },
  };
  const core = loadCore(profile);
  core.setDefault(Option.QUEUE_MAX, QUEUE);
  const loop = new SocketLoop<string>(core, handlers, {
    borrow: false,
    maxBackpressure: QUEUE,
    fullPolicy: FullPolicy.REFUSE,
    trusts: () => 0,
  });
  t.after(() => {
    for (const link of [...loop.links()]) link.transport.destroy();
  });
  return { loop, told, handlers };
}
