// Options and subprotocols → a client session of a core: the fields that it asks a server with, and
// what it thinks of the answer.
//
// A process has one loop for all clients whose cores have the same defaults, and one more when its
// pool is full. None of them keeps the process alive.

import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { ErrorCode, Option } from '../../../../build/limpet.abi.js';
import { Core, LimpetError } from '../../../core/core.js';
import type { Link } from '../../link.js';
import { SocketLoop } from '../../loop.js';
import { applyOptions } from '../../options.js';
import { loadModule } from '../../wasm.js';
import { TOLD } from '../handlers.js';
import type { Peer } from '../websocket.js';
import { deflateOf, type ClientOptions, type Deflate } from './options.js';
import type { Fields } from './request.js';

/** What becomes of a session's response. */
export interface Judgement {
  opened(link: Link<Peer>): void;
  refused(error: ErrorCode): void;
}

/** Loops by the settings of their cores. */
const loops = new Map<string, SocketLoop<Peer>[]>();

export class ClientSession {
  /** What the request says of the handshake. */
  readonly fields: Fields = {};
  readonly #link: Link<Peer>;
  #judgement: Judgement | undefined;
  #dropped: (() => void) | undefined;

  /** @throws SyntaxError for what is no subprotocol */
  constructor(options: ClientOptions, protocols: readonly string[]) {
    this.#link = connected(deflateOf(options.perMessageDeflate), protocols.join(','));
    this.#link.owner = this;
  }
}
