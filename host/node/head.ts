// What the core knows of a request: its parts, header fields and cookies, as strings; and heads that
// node:http has parsed, as bytes again, for the core to judge.

import type { Part } from '../../build/limpet.abi.js';
import type { Core } from '../core/core.js';
import { place } from './scratch.js';

/** A part of the request, or '' when it is absent or not kept. */
export function partOf(core: Core, handle: number, part: Part): string {
  const record = core.exports.limpet_request_part(handle, part);
  return record > 0 ? latin1(core.fieldValue(record)) : '';
}

/** The first header field or cookie of a name; undefined when it is absent or not kept. */
export function headerOf(
  core: Core,
  memory: Buffer,
  handle: number,
  name: string,
  call: 'limpet_header' | 'limpet_cookie',
): string | undefined {
  if (name.length > core.scratchSize) return undefined;
  const [{ ptr, len }] = place(core, memory, [Buffer.from(name, 'latin1')]);
  const record = core.exports[call](handle, ptr, len);
  return record > 0 ? latin1(core.fieldValue(record)) : undefined;
}

/** Bytes of a head as a string: RFC 9110 5.5. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/**
 * A head that node:http has parsed, as it came.
 *
 * @param first the request or status line
 * @param rawHeaders names and values in turn
 * @param isWanted which fields, by name; default all
 */
export function headBytes(
  first: string,
  rawHeaders: readonly string[],
  isWanted: (name: string) => boolean = () => true,
): Buffer {
  let head = `${first}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (isWanted(rawHeaders[i])) head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  }
  return Buffer.from(`${head}\r\n`, 'latin1');
}
