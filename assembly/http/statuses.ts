// ErrorCode → the HTTP status that tells a client of it. In a file of its own, so that memory.ts can
// give it its place in front of the regions.

/** What is above 400 of each: from HTTP_SYNTAX downwards, to PROXY. RFC 6455 4.2.2 and 4.4. */
// prettier-ignore
export const STATUSES: usize = memory.data<u8>([
  0, 31, 105, 0, 0, // HTTP_SYNTAX, HTTP_TOO_LARGE 431, HTTP_VERSION 505, HTTP_HOST, HTTP_BODY
  5, 0, 26, 0, 0, 0, // UPGRADE_METHOD 405, _HEADER, _VERSION 426, _KEY, _PROTOCOL, _EXTENSION
  103, 26, 29, // HTTP_OVERLOAD 503, HTTP_PLAIN 426, HTTP_ADDRESS 429
  3, 1, 0, 0, // UPGRADE_ORIGIN 403, _TOKEN 401, _PROTOCOL_REFUSED; PROXY
], 1);
