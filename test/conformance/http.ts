// The opening handshake by hand: request bytes out, response head in. RFC 6455 4, RFC 9112.
import { createHash } from 'node:crypto';

/** The example of RFC 6455 1.3; its answer is s3pPLMBiTxaQ9kYGzzhZRbK+xOo=. */
export const SAMPLE_KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
export const SAMPLE_ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

export interface Target {
  host: string;
  port: number;
  /** Path with query, as it stands in the request line. */
  path: string;
  /** Whether it speaks TLS. */
  secure: boolean;
}

export type Header = [name: string, value: string];

/** The fields of a usual request, in a usual order. */
export const upgradeHeaders = (target: Target, key = SAMPLE_KEY): Header[] => [
  ['Host', `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`],
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Key', key],
  ['Sec-WebSocket-Version', '13'],
];

export const without = (headers: Header[], name: string): Header[] =>
  headers.filter((h) => h[0] !== name);
export const replaced = (headers: Header[], name: string, value: string): Header[] =>
  headers.map((h): Header => (h[0] === name ? [name, value] : h));

export const headerLines = (headers: Header[]): string[] => headers.map(([n, v]) => `${n}: ${v}`);

/** Request line and header lines as they are → bytes, one per character. */
export const requestBytes = (line: string, lines: string[]): Buffer =>
  Buffer.from([line, ...lines, '', ''].join('\r\n'), 'latin1');

/** The usual request, with the fields and the request line as given. */
export const upgradeRequest = (
  target: Target,
  headers: Header[] = upgradeHeaders(target),
  line = `GET ${target.path} HTTP/1.1`,
): Buffer => requestBytes(line, headerLines(headers));

export const acceptFor = (key: string): string =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

export interface Response {
  status: number;
  reason: string;
  /** Names in lower case, values trimmed, in the order they came. */
  headers: Header[];
}

export const valuesOf = (response: Response, name: string): string[] =>
  response.headers.filter((h) => h[0] === name).map((h) => h[1]);

const END_OF_HEAD = Buffer.from('\r\n\r\n');

/** Where the body starts, or -1 while the head is not all there. */
export function headEnd(bytes: Buffer): number {
  const at = bytes.indexOf(END_OF_HEAD);
  return at < 0 ? -1 : at + END_OF_HEAD.length;
}

/** Bytes of a head, with its empty line → Response. Throws an Error at what is not RFC 9112. */
export function parseResponse(head: Buffer): Response {
  const [first, ...lines] = head.toString('latin1').slice(0, -4).split('\r\n');
  const status = /^HTTP\/1\.[01] (\d{3}) ([\t -~\x80-\xff]*)$/.exec(first);
  if (!status) throw new Error(`status line ${JSON.stringify(first.slice(0, 60))}`);
  const headers = lines.map((line): Header => {
    const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t -~\x80-\xff]*)$/.exec(line);
    if (!field) throw new Error(`header line ${JSON.stringify(line.slice(0, 60))}`);
    return [field[1].toLowerCase(), field[2].trimEnd()];
  });
  return { status: Number(status[1]), reason: status[2], headers };
}

/** What is wrong with a 101 answer to `key`, or null. RFC 6455 4.1 (client's checks) and 4.2.2. */
export function acceptFault(response: Response, key: string): string | null {
  if (response.status !== 101) return `status ${response.status} instead of 101`;
  const once = (name: string): string | null => {
    const values = valuesOf(response, name);
    return values.length === 1 ? values[0] : null;
  };
  if (once('upgrade')?.toLowerCase() !== 'websocket') return 'Upgrade is not one "websocket"';
  const tokens = valuesOf(response, 'connection').flatMap((v) =>
    v.toLowerCase().split(/[\t ]*,[\t ]*/),
  );
  if (!tokens.includes('upgrade')) return 'no "Upgrade" token in Connection';
  if (once('sec-websocket-accept') !== acceptFor(key)) return 'Sec-WebSocket-Accept is wrong';
  for (const name of ['content-length', 'transfer-encoding'])
    if (valuesOf(response, name).length > 0) return `${name} in a 101 answer (RFC 9110 8.6)`;
  return null;
}

/** Whether the body behind a head is all there; without fields that tell, only once TCP has `ended`. */
export function bodyComplete(response: Response, body: Buffer, ended: boolean): boolean {
  if (response.status === 204 || response.status === 304) return true;
  if (valuesOf(response, 'transfer-encoding').join().toLowerCase().includes('chunked'))
    return body.toString('latin1').endsWith('0\r\n\r\n');
  const length = valuesOf(response, 'content-length')[0];
  return length === undefined ? ended : body.length >= Number(length);
}
