// A response that says where else to ask → whether to, and what of the user's may go there.
//
// A redirect comes from a server, not from the user: what the user meant for one host is no other
// host's, and what was sent over TLS is not to be sent without. RFC 9110 15.4.

import type { OutgoingHttpHeaders } from 'node:http';
import type { Changed } from './request.js';
import type { Target } from './url.js';

/** Where the user's own request went. */
type Origin = Pick<Target, 'secure' | 'socketPath' | 'authority'>;

/** The redirects of one opening handshake. */
export class Redirects {
  #headers: OutgoingHttpHeaders;
  #count = 0;

  /**
   * @param origin where the user's own request goes
   * @param headers the user's fields
   * @param max how many redirects are followed
   */
  constructor(
    private readonly origin: Origin,
    headers: OutgoingHttpHeaders,
    private readonly max: number,
  ) {
    this.#headers = headers;
  }

  /** How many redirects there were. */
  get count(): number {
    return this.#count;
  }

  /** Counts one more; whether it may be followed. */
  follow(): boolean {
    this.#count += 1;
    return this.#count <= this.max;
  }

  /**
   * What the request to a target has of the user's.
   *
   * @param auth credentials of its URL, or of the user's options
   * @param watched whether the user looks at each redirect, and takes away what is not to go there
   */
  changed(target: Target, auth: string | undefined, watched: boolean): Changed {
    const same = sameHost(target, this.origin);
    if (this.#count > 0 && !watched && !(same && (target.secure || !this.origin.secure))) {
      // What the user calls the first host says nothing of another one.
      const kept = without(this.#headers, ['authorization', 'cookie', ...(same ? [] : ['host'])]);
      return { headers: kept, auth: undefined };
    }
    const changed = { headers: this.#headers, auth };
    // Credentials hold for the requests that follow, unless the user gave others.
    if (auth !== undefined && !names(this.#headers).includes('authorization')) {
      const authorization = `Basic ${Buffer.from(auth).toString('base64')}`;
      this.#headers = { ...this.#headers, authorization };
    }
    return changed;
  }
}

/** Whether two requests go to the same host and port, or to the same local socket. */
function sameHost(a: Origin, b: Origin): boolean {
  if (a.socketPath !== undefined || b.socketPath !== undefined)
    return a.socketPath === b.socketPath;
  return a.authority === b.authority;
}

function names(headers: OutgoingHttpHeaders): string[] {
  return Object.keys(headers).map((name) => name.toLowerCase());
}

function without(headers: OutgoingHttpHeaders, left: string[]): OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !left.includes(name.toLowerCase())),
  );
}
