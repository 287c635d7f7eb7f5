// Texts, numbers and the host's strings → lines of an HTTP head. Each call writes to `to` and
// returns one past what it wrote. RFC 9112 4 and 5.

import { copyBytes } from '../memory';
import * as text from './text';

/** A text without its 0. */
export function textCopy(to: usize, from: usize): usize {
  while (load<u8>(from)) {
    store<u8>(to, load<u8>(from));
    to += 1;
    from += 1;
  }
  return to;
}

/** CRLF. */
export function crlf(to: usize): usize {
  store<u16>(to, 0x0a0d);
  return to + 2;
}

/** A text, `n` bytes and CRLF. */
export function line(to: usize, name: usize, p: usize, n: u32): usize {
  return crlf(copyBytes(textCopy(to, name), p, n));
}

/** A number in decimal digits. */
export function decimal(to: usize, number: u32): usize {
  let place: u32 = 1;
  while (number / place > 9) place *= 10;
  for (; place > 0; place /= 10) store<u8>(to++, <u8>(48 + ((number / place) % 10)));
  return to;
}

/** `HTTP/1.1 SP status SP`, without a reason: RFC 9112 4, "A client SHOULD ignore the reason-phrase". */
export function statusLine(to: usize, status: u32): usize {
  to = decimal(textCopy(to, text.HTTP_11), status);
  store<u8>(to, 32);
  return to + 1;
}
