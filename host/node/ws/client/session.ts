// Options and subprotocols → a client session of a core: the fields that it asks a server with, and
// what it thinks of the answer.

import type { Duplex } from 'node:stream';
import { ErrorCode } from '../../../../build/limpet.abi.js';
import { LimpetError } from '../../../core/core.js';
import type { Link } from '../../link.js';
import type { Handlers } from '../../loop.js';
import type { Unconnected } from '../../transport/index.js';
import { TOLD } from '../handlers.js';
import type { Peer } from '../websocket.js';
import { openSession } from './loops.js';
import type { ClientOptions } from './options.js';
import type { Fields } from './request.js';

/** Sessions that are not open yet, or that the WebSocket does not take. */
const sessions = new Map<Link<Peer>, ClientSession>();

/** What the clients of a loop hear of their links: a session hears it as long as it is not open. */
function handlers(): Handlers<Peer> {
  return {
    ...TOLD,
    // No client hears of requests.
    upgrade: () => undefined,
    request: () => undefined,
    opened: (link) => sessions.get(link)?.judged(ErrorCode.NONE),
    failed: (link, error, ...more) => {
      const session = sessions.get(link);
      if (session) session.judged(error);
      else TOLD.failed(link, error, ...more);
    },
    closed: (link, ...how) => {
      const session = sessions.get(link);
      if (session) session.closed();
      else TOLD.closed(link, ...how);
    },
  };
}

/** Whether a subprotocol may stand in a list of them; the core says what a token is. */
function listed(protocol: unknown): boolean {
  return typeof protocol === 'string' && /^[^\s,]+$/.test(protocol);
}

export class ClientSession {
  /** What the request says of the opening handshake. */
  readonly fields: Fields;
  readonly #link: Link<Peer>;
  #judged: ((error: ErrorCode) => void) | undefined;
  #closed: (() => void) | undefined;

  /** @throws SyntaxError for what is no subprotocol, and for one that is there twice */
  constructor(options: ClientOptions, protocols: readonly unknown[]) {
    try {
      if (!protocols.every(listed)) throw new LimpetError('a subprotocol', ErrorCode.VALUE);
      this.#link = openSession(options, protocols.join(','), handlers);
    } catch (error) {
      if (!(error instanceof LimpetError) || error.code !== ErrorCode.VALUE) throw error;
      throw new SyntaxError('An invalid or duplicated subprotocol was specified');
    }
    sessions.set(this.#link, this);
    if (options.generateMask) giveKeys(this.#link, options.generateMask);
    this.fields = fieldsOf((this.#link.transport as Unconnected).head);
  }

  /** Whether permessage-deflate is offered. */
  get offers(): boolean {
    return 'Sec-WebSocket-Extensions' in this.fields;
  }

  /**
   * Gives it the connection that a server has upgraded.
   *
   * @param response the head of the response
   * @param rest what came behind it: told once this turn of the event loop is over
   * @param judged is told NONE, or what is wrong with the response
   */
  join(
    connection: Duplex,
    response: Buffer,
    rest: Buffer,
    judged: (error: ErrorCode, link: Link<Peer>) => void,
  ): void {
    const link = this.#link;
    this.#judged = (error) => {
      if (error === ErrorCode.NONE && rest.length > 0) link.loop.fed(link, rest);
      judged(error, link);
    };
    link.loop.join(link, connection, response);
  }

  /** The core has judged the response. */
  judged(error: ErrorCode): void {
    if (error === ErrorCode.NONE) {
      sessions.delete(this.#link);
      this.#link.rekey?.();
    }
    this.#judged?.(error);
  }

  /** Gives it up; `closed` is called when it is over. */
  drop(closed?: () => void): void {
    const link = this.#link;
    sessions.set(link, this);
    this.#closed = closed;
    link.loop.terminate(link);
  }

  closed(): void {
    sessions.delete(this.#link);
    this.#closed?.();
  }
}

/** The fields of a head, but for Host; those of one name as one. RFC 9110 5.3. */
function fieldsOf(head: string): Fields {
  const fields: Fields = {};
  for (const line of head.split('\r\n').slice(1)) {
    const colon = line.indexOf(': ');
    if (colon < 0) continue;
    const name = line.slice(0, colon);
    const value = line.slice(colon + 2);
    fields[name] = name in fields ? `${fields[name]}, ${value}` : value;
  }
  delete fields.Host;
  return fields;
}

/** Lets the user give the masking key of each frame: the next frame's is always there. RFC 6455 5.3. */
function giveKeys(link: Link<Peer>, generate: (key: Buffer) => void): void {
  const key = Buffer.alloc(4);
  const { exports } = link.loop.core;
  link.rekey = () => {
    generate(key);
    exports.limpet_masking_key(link.handle, key.readInt32LE());
  };
}
