// An opening handshake → the application's hook → who the client is, or a refusal.

import { ErrorCode } from '../../build/limpet.abi.js';
import { LimpetError } from '../core/core.js';
import type { Answer } from './request.js';

/** RFC 9110 15.5.2: a 401 has to say how a client can do better. */
const CHALLENGE = { 'WWW-Authenticate': 'Bearer' };

/** Somebody who asks to be let in. */
export interface Candidate {
  /** Whether the decision is still awaited. */
  readonly isPending: boolean;
  /** Who it is, once that is known. */
  user: unknown;
  reject(status: number, answer?: Answer): void;
}

export interface Outcome {
  /** The client is known: its handshake goes on. */
  admitted: () => void;
  /** The hook threw, or rejected, and not on purpose. */
  failed: (error: unknown) => void;
  /** What the application does with the outcome threw. */
  threw: (error: unknown) => void;
}

/** Asks the hook, and waits for it; a request that is over or answered meanwhile is left alone. */
export function authenticate<Request extends Candidate>(
  request: Request,
  hook: (request: Request) => unknown,
  { admitted, failed, threw }: Outcome,
): void {
  const settle = (user: unknown) => {
    if (!request.isPending) return;
    if (user === false || user === undefined || user === null) {
      refuse(request, 401);
      return;
    }
    request.user = user;
    admitted();
  };
  const fail = (error: unknown) => {
    const status = statusOf(error);
    if (request.isPending) refuse(request, status ?? 401);
    if (status === undefined) failed(error);
  };
  let answer: unknown;
  try {
    answer = hook(request);
  } catch (error) {
    fail(error);
    return;
  }
  if (!isThenable(answer)) {
    settle(answer);
    return;
  }
  Promise.resolve(answer).then(settle, fail).catch(threw);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value;
}

/** The status that an error asks for: a client's or a server's fault. */
function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error)) return undefined;
  const { status } = error;
  return Number.isInteger(status) && (status as number) >= 400 && (status as number) <= 599
    ? (status as number)
    : undefined;
}

function refuse(request: Candidate, status: number): void {
  try {
    request.reject(status, status === 401 ? { headers: CHALLENGE } : {});
  } catch (error) {
    // A core without the feature `http` sends statuses and nothing else.
    if (!(error instanceof LimpetError) || error.code !== ErrorCode.UNSUPPORTED) throw error;
    request.reject(status);
  }
}
