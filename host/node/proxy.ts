// A connection that a proxy made → the PROXY protocol header in front of what it carries, taken off
// before TLS begins. What it says is the core's to read: the header goes to the session first.

import type { Socket as NetSocket } from 'node:net';
import { ErrorCode, PROXY_LINE_MAX, Trust } from '../../build/limpet.abi.js';
import { LimpetError, type Core } from '../core/core.js';

/** What became of a header. */
export interface ProxyHooks {
  /** It was taken off, or there is none. */
  done(header: Buffer | undefined): void;
  /** It is malformed, or absent where it has to be, or took too long. */
  failed(error: Error): void;
}

/** Whether a peer's connections may begin with a header. */
export function mayHaveHeader(trust: number): boolean {
  return (trust & (Trust.PROXY | Trust.PROXY_REQUIRED)) !== 0;
}

/**
 * Takes the header off a paused connection; what follows is put back.
 *
 * @param trust bits of Trust
 * @param timeout_ms 0 = no bound
 */
export function takeHeader(
  core: Core,
  raw: NetSocket,
  trust: number,
  timeout_ms: number,
  hooks: ProxyHooks,
): void {
  let bytes = Buffer.alloc(0);
  const settled = () => {
    clearTimeout(timer);
    raw.off('readable', more).off('end', cut).off('close', settled);
  };
  const fail = (code: ErrorCode) => {
    settled();
    hooks.failed(new LimpetError('the PROXY protocol header', code));
  };
  const more = () => {
    const chunk = raw.read() as Buffer | null;
    if (!chunk) return;
    bytes = Buffer.concat([bytes, chunk]);
    core.u8.set(bytes.subarray(0, PROXY_LINE_MAX), core.scratch);
    const length = core.exports.limpet_proxy_length(core.scratch, bytes.length);
    if (length > bytes.length) return;
    const isAbsent = length === (ErrorCode.ABSENT as number);
    if (length < 0 && (!isAbsent || trust & Trust.PROXY_REQUIRED)) {
      fail(ErrorCode.PROXY);
      return;
    }
    settled();
    const rest = bytes.subarray(Math.max(length, 0));
    if (rest.length > 0) raw.unshift(rest);
    hooks.done(isAbsent ? undefined : bytes.subarray(0, length));
  };
  const late = () => {
    fail(ErrorCode.TIMEOUT_HANDSHAKE);
  };
  const cut = () => {
    fail(ErrorCode.PROXY);
  };
  const timer = timeout_ms > 0 ? setTimeout(late, timeout_ms).unref() : undefined;
  raw.on('readable', more).on('end', cut).on('close', settled);
}
