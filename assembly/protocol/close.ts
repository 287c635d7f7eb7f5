// Close frame payload ↔ close code and reason. RFC 6455 5.5.1 and 7.4.

import { ErrorCode } from '../abi';
import { networkOrder } from './frame';
import { UTF8_COMPLETE, utf8Check } from './utf8';

/** "1005 is a reserved value": what an application is told when the Close frame named no code. RFC 6455 7.1.5. */
export const CLOSE_NO_STATUS: i32 = 1005;
/** What the peer of an idle session is told: an endpoint is "going away". RFC 6455 7.4.1. */
export const CLOSE_GOING_AWAY: i32 = 1001;
/** "1006 is a reserved value": what an application is told when no Close frame came. RFC 6455 7.1.5. */
export const CLOSE_ABNORMAL: i32 = 1006;
/** Longest reason: a control frame's 125 bytes less the code's 2. RFC 6455 5.5. */
export const REASON_MAX: i32 = 123;

/** Bit n is set when code 1000 + n may stand in a Close frame. RFC 6455 7.4.1 and IANA's registry: 1000-1003, 1007-1014. */
const CODES_DEFINED: u32 = 0b0111_1111_1000_1111;

/** Whether a Close frame may carry `code`: the registry's, 3000-3999 (libraries), 4000-4999 (private). RFC 6455 7.4.2. */
export function closeCodeValid(code: u32): bool {
  if (code >= 3000) return code < 5000;
  const n = code - 1000;
  return n < 32 && (CODES_DEFINED >> n) & 1 ? true : false;
}

/** What a Close frame's payload of `n` bytes says for a code: its first two bytes, or the only one. */
export function closeCodeRead(p: usize, n: i32): u32 {
  return <u32>networkOrder(p, min(n, 2));
}

/**
 * Reads a Close frame's payload, unmasked.
 *
 * @param judged whether the reason has to be UTF-8
 * @returns its code (CLOSE_NO_STATUS when it is empty), or an ErrorCode
 */
export function closeRead(p: usize, n: i32, judged: u32): i32 {
  if (n == 0) return CLOSE_NO_STATUS;
  if (n == 1) return ErrorCode.CLOSE_LENGTH;
  const code = closeCodeRead(p, n);
  if (!closeCodeValid(code)) return ErrorCode.CLOSE_CODE;
  if (judged && utf8Check(UTF8_COMPLETE, p + 2, n - 2) != UTF8_COMPLETE) {
    return ErrorCode.CLOSE_REASON;
  }
  return code;
}

/**
 * The close code that tells the peer which kind of rule it broke. RFC 6455 7.4.1.
 *
 * @param error an ErrorCode from RSV to FRAGMENTS
 */
export function closeCodeOf(error: i32): i32 {
  if (error == ErrorCode.UTF8 || error == ErrorCode.CLOSE_REASON || error == ErrorCode.DEFLATE)
    return 1007;
  if (error == ErrorCode.TOO_BIG) return 1009;
  if (error <= ErrorCode.RATE) return 1008;
  return error == ErrorCode.OVERLOAD ? 1013 : 1002;
}
