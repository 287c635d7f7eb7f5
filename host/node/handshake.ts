// Opening handshakes: what a face decides of a request → limpet_accept, limpet_respond; what a client
// wants → limpet_connect and the head of its request.

import { TxRecord } from '../../build/limpet.abi.js';
import type { Core } from '../core/core.js';
import { place } from './scratch.js';

/** What a client asks a server for. RFC 6455 4.1. */
export interface ClientRequest {
  /** Path and query. */
  target: string;
  /** The Host field's value. */
  host: string;
  /** Subprotocols, separated by commas, or ''. */
  protocols: string;
  /** Field lines to add, each ending with CRLF. */
  headers: string;
}

/** Accepts the upgrade of a session, see limpet_accept. Throws LimpetError. */
export function acceptSession(
  core: Core,
  memory: Buffer,
  handle: number,
  protocol: string,
  headers: string,
): void {
  const [chosen, lines] = place(core, memory, [protocol, headers]);
  core.check(
    'accepting an upgrade',
    core.exports.limpet_accept(handle, chosen.ptr, chosen.len, lines.ptr, lines.len),
  );
}

/**
 * Answers the request of a session, or refuses its upgrade, see limpet_respond.
 *
 * @param length bytes of the body, which the host writes
 * @returns whether the body is written. Throws LimpetError
 */
export function respondSession(
  core: Core,
  memory: Buffer,
  handle: number,
  status: number,
  headers: string,
  length: number,
): boolean {
  const [lines] = place(core, memory, [headers]);
  const { exports } = core;
  const owed = exports.limpet_respond(handle, status, lines.ptr, lines.len, 0, length);
  return core.check(`answering ${String(status)}`, owed) > 0;
}

/** Opens a client session, see limpet_connect; returns its handle. Throws LimpetError. */
export function connectSession(
  core: Core,
  memory: Buffer,
  { target, host, protocols, headers }: ClientRequest,
  now: number,
): number {
  const [path, name, offers, lines] = place(core, memory, [target, host, protocols, headers]);
  return core.check(
    'connecting',
    core.exports.limpet_connect(
      path.ptr,
      path.len,
      name.ptr,
      name.len,
      offers.ptr,
      offers.len,
      lines.ptr,
      lines.len,
      now,
    ),
  );
}

/** Takes what a session has to write before all else: the head of a client's request. */
export function takeHead(core: Core, memory: Buffer, handle: number): string {
  const { exports, u32 } = core;
  let head = '';
  for (;;) {
    const record = core.check('writing a request', exports.limpet_tx(handle));
    const count = u32[(record + TxRecord.count) >>> 2];
    if (count === 0) return head;
    const first = (record + TxRecord.size) >>> 2;
    for (let i = first; i < first + 2 * count; i += 2) {
      head += memory.toString('latin1', u32[i], u32[i] + u32[i + 1]);
    }
    exports.limpet_tx_ack(handle, u32[(record + TxRecord.bytes) >>> 2]);
  }
}
