// Option and value → whether it may be set. What an option does stands in abi.ts, its default in
// session.ts.

import { Delivery, FullPolicy, Option, RatePolicy } from '../abi';
import {
  ADDRESSES,
  DEFLATE,
  HEAD_MAX_BYTES,
  HEARTBEAT,
  RATES,
  SECURITY,
  SESSIONS,
  TOPICS,
} from '../profile';
import { Session } from './session';

/** Whether a session, or a null one for the defaults, has an option. */
export function optionKnown(s: Session, option: i32): bool {
  if (<u32>option <= <u32>Option.PAUSED) return true;
  const beats = option == Option.HEARTBEAT_MS || option == Option.HEARTBEAT_TIMEOUT_MS;
  if (changetype<usize>(s) || beats) return HEARTBEAT && beats;
  switch (option) {
    case Option.DEFLATE:
    case Option.DEFLATE_LEVEL:
    case Option.DEFLATE_WINDOW:
    case Option.DEFLATE_THRESHOLD:
    case Option.DEFLATE_TAKEOVER:
      return DEFLATE;
    case Option.ADDRESS_SESSIONS:
      return ADDRESSES;
    case Option.RATE_WINDOW_MS:
    case Option.RATE_MESSAGES:
    case Option.RATE_BYTES:
    case Option.RATE_ALL_MESSAGES:
    case Option.RATE_ALL_BYTES:
    case Option.RATE_POLICY:
      return RATES;
    case Option.TOKEN_SOURCES:
      return SECURITY;
    case Option.BATCH:
      return TOPICS;
    default:
      return <u32>option <= <u32>Option.HEAD_MAX;
  }
}

/** Whether an option may have a value. */
export function optionValid(s: Session, option: i32, value: i32): bool {
  if (!optionKnown(s, option)) return false;
  if (option == Option.USER) return true;
  if (option == Option.DEFLATE_WINDOW && value < 8) return false;
  if ((option == Option.RATE_WINDOW_MS || option == Option.HEAD_MAX) && value < 1) return false;
  return <u32>value <= valueMax(option);
}

/** The largest value of an option: words and switches have few, numbers any but a negative one. */
function valueMax(option: i32): u32 {
  switch (option) {
    case Option.AUTO_PONG:
    case Option.PAUSED:
    case Option.DEFLATE:
    case Option.DEFLATE_TAKEOVER:
      return 1;
    case Option.DELIVERY:
      return Delivery.AUTO;
    case Option.RATE_POLICY:
      return RatePolicy.REJECT;
    case Option.FULL_POLICY:
      return FullPolicy.CLOSE_1013;
    case Option.TOKEN_SOURCES:
      return 7;
    case Option.DEFLATE_LEVEL:
      return 9;
    case Option.DEFLATE_WINDOW:
      return 15;
    case Option.SESSIONS_MAX:
      return SESSIONS;
    case Option.HEAD_MAX:
      return HEAD_MAX_BYTES;
    default:
      return i32.MAX_VALUE;
  }
}
