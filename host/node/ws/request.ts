// A request ↔ its head: what node:http has parsed becomes bytes again, for the core to judge; what the
// core has judged on a port of our own becomes what listeners of `ws` get, a http.IncomingMessage.

import { IncomingMessage, type IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import { Part } from '../../../build/limpet.abi.js';
import { headBytes, partOf } from '../head.js';
import type { Link } from '../link.js';

/** The bytes of a request as its client sent them: its head, and what came behind it. */
export function headOf(request: IncomingMessage, rest: Buffer): Buffer {
  const { method = 'GET', url = '/', httpVersion, rawHeaders } = request;
  const head = headBytes(`${method} ${url} HTTP/${httpVersion}`, rawHeaders);
  return Buffer.concat([head, rest]);
}

/** Fields of which the first counts: https://nodejs.org/api/http.html#messageheaders. */
const SINGLE = new Set(
  (
    'age authorization content-length content-type etag expires from host if-modified-since ' +
    'if-unmodified-since last-modified location max-forwards proxy-authorization referer ' +
    'retry-after server user-agent'
  ).split(' '),
);

/** A request that the core has parsed. Its fields are read, and its socket made, when they are asked for. */
class CoreMessage extends IncomingMessage {
  /** The head, from the request line to the last field. */
  _head = '';
  _link: Link | undefined = undefined;
  declare _stream: Duplex | undefined;
  _raw: string[] | undefined = undefined;
  _fields: IncomingHttpHeaders | undefined = undefined;
}

// It is none of its own to whoever looks at it.
Object.defineProperty(CoreMessage, 'name', { value: IncomingMessage.name });

Object.defineProperties(CoreMessage.prototype, {
  rawHeaders: {
    configurable: true,
    enumerable: true,
    get(this: CoreMessage) {
      return (this._raw ??= fieldsOf(this._head));
    },
    // The base class sets what it does not know yet.
    set() {},
  },
  headers: {
    configurable: true,
    enumerable: true,
    get(this: CoreMessage) {
      return (this._fields ??= joined(this.rawHeaders));
    },
    set(this: CoreMessage, fields: IncomingHttpHeaders) {
      this._fields = fields;
    },
  },
  headersDistinct: {
    configurable: true,
    enumerable: true,
    get(this: CoreMessage) {
      return distinct(this.rawHeaders);
    },
  },
  socket: {
    configurable: true,
    enumerable: true,
    get(this: CoreMessage) {
      return (this._stream ??= this._link?.stream);
    },
    set(this: CoreMessage, stream: Duplex | undefined) {
      this._stream = stream;
    },
  },
});

/** Names and values in turn. The core has held the head against RFC 9112. */
function fieldsOf(head: string): string[] {
  return head
    .split('\r\n')
    .slice(1)
    .filter((line) => line !== '')
    .flatMap((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
}

function distinct(raw: string[]): NodeJS.Dict<string[]> {
  const fields: NodeJS.Dict<string[]> = Object.create(null) as NodeJS.Dict<string[]>;
  for (let i = 0; i < raw.length; i += 2) (fields[raw[i].toLowerCase()] ??= []).push(raw[i + 1]);
  return fields;
}

function joined(raw: string[]): IncomingHttpHeaders {
  const fields: IncomingHttpHeaders = {};
  for (const [name, values = []] of Object.entries(distinct(raw))) {
    if (name === 'set-cookie') fields[name] = values;
    else if (SINGLE.has(name)) fields[name] = values[0];
    else fields[name] = values.join(name === 'cookie' ? '; ' : ', ');
  }
  return fields;
}

/** The request of a session that is PENDING, or whose head was refused. */
export function requestOf(
  link: Link,
  head = partOf(link.loop.core, link.handle, Part.HEAD),
): IncomingMessage {
  const [method, url = ''] = head.slice(0, head.indexOf('\r\n')).split(' ');
  const message = new CoreMessage(undefined as never);
  message._head = head;
  message._link = link;
  message.method = method;
  message.url = url;
  message.httpVersion = '1.1';
  message.httpVersionMajor = 1;
  message.httpVersionMinor = 1;
  message.complete = true;
  return message;
}
