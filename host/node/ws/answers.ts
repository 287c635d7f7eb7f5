// Answers of the core to opening handshakes, before they are written → the same with the words that
// users of `ws` know. RFC 9112 4: "a client SHOULD ignore the reason-phrase content".

import { STATUS_CODES } from 'node:http';
import type { Link } from '../link.js';

/** Lines of a head, as they are sent. Throws TypeError for a line that would be two. */
export function joined(lines: readonly string[]): string {
  for (const line of lines) {
    if (/[\r\n]/.test(line)) throw new TypeError(`a header line has a line break: ${line}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/**
 * Adds a reason phrase and a body to a refusal that is queued, and has none.
 *
 * @param message the body; the reason phrase without one
 */
export function explain(link: Link, message?: string, type = 'text/html'): void {
  link.loop.rewrite(link, (head) => {
    const [first, ...fields] = head.split('\r\n').slice(0, -2);
    const [version, status] = first.split(' ');
    const phrase = STATUS_CODES[Number(status)] ?? '';
    // Bytes as characters: that is how a head is written.
    const body = Buffer.from(message ?? phrase).toString('latin1');
    const kept = fields.filter((field) => !/^content-length:/i.test(field));
    if (!kept.some((field) => /^content-type:/i.test(field))) kept.push(`Content-Type: ${type}`);
    const lines = [`${version} ${status} ${phrase}`, ...kept, `Content-Length: ${body.length}`];
    return joined(lines) + body;
  });
}
