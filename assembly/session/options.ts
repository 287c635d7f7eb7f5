// Option and value → whether it may be set. What an option does stands in abi.ts, its default in
// session.ts.

import { Closing, Delivery, FullPolicy, Option, RatePolicy, Takeover } from '../abi';
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

// Sets of options, bit n for option n. Those of a feature follow each other: from the first one on as
// many as the number in front has bits.
const BEATS: u64 = HEARTBEAT ? (<u64>0b11) << Option.HEARTBEAT_MS : 0;
/** Those that each session has. */
const OF_SESSIONS: u64 = (((<u64>2) << Option.FRAGMENTS_MAX) - 1) | BEATS;
/** Those of the module, sessions to come included. */
const OF_MODULE: u64 =
  OF_SESSIONS |
  ((<u64>0b11) << Option.UTF8) |
  (DEFLATE ? (<u64>0b111111) << Option.DEFLATE : 0) |
  ((<u64>0b111) << Option.TEXT_MAX) |
  ((<u64>0b1) << Option.CLOSING) |
  (ADDRESSES ? (<u64>0b1) << Option.ADDRESS_SESSIONS : 0) |
  (RATES ? (<u64>0b111111) << Option.RATE_WINDOW_MS : 0) |
  (SECURITY ? (<u64>0b1) << Option.TOKEN_SOURCES : 0) |
  (TOPICS ? (<u64>0b1) << Option.BATCH : 0);
/** Those that are 0 or 1. */
const SWITCHES: u64 =
  ((<u64>1) << Option.AUTO_PONG) |
  ((<u64>1) << Option.PAUSED) |
  ((<u64>1) << Option.UTF8) |
  ((<u64>1) << Option.DEFLATE);

/** Whether a set has an option. */
function has(set: u64, option: i32): bool {
  return <u32>option < 64 && ((set >> option) & 1) != 0;
}

/** Whether a session, or a null one for the defaults, has an option. */
export function optionKnown(s: Session, option: i32): bool {
  return has(changetype<usize>(s) ? OF_SESSIONS : OF_MODULE, option);
}

/** Whether an option may have a value. */
export function optionValid(s: Session, option: i32, value: i32): bool {
  if (!optionKnown(s, option)) return false;
  if (option == Option.USER) return true;
  const window = option == Option.DEFLATE_WINDOW || (option == Option.DEFLATE_WINDOW_IN && value);
  if (DEFLATE && window && value < 8) return false;
  if ((option == Option.RATE_WINDOW_MS || option == Option.HEAD_MAX) && value < 1) return false;
  return <u32>value <= valueMax(option);
}

/** The largest value of an option: words and switches have few, numbers any but a negative one. */
function valueMax(option: i32): u32 {
  if (has(SWITCHES, option)) return 1;
  switch (option) {
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
    case Option.DEFLATE_WINDOW_IN:
      return 15;
    case Option.DEFLATE_TAKEOVER:
      return Takeover.OUT | Takeover.IN;
    case Option.CLOSING:
      return Closing.TOLD | Closing.REASON;
    case Option.SESSIONS_MAX:
      return SESSIONS;
    case Option.HEAD_MAX:
      return HEAD_MAX_BYTES;
    default:
      return i32.MAX_VALUE;
  }
}
