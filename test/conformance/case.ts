// What a case is, what it may use, and how it is judged.
//   OK             as RFC 6455 wants it
//   INFORMATIONAL  the RFC leaves it open; the note says what the server does
//   UNIMPLEMENTED  the server did not agree to the extension that the case is about
//   NON-STRICT     harmless, but later or looser than it should be
//   FAILED         anything else, a timeout included
import { Client, Failure } from './client.js';
import { Deflater } from './deflate.js';
import type { DeflaterOptions } from './deflate.js';
import { EXTENSIONS, USUAL_OFFER } from './extension.js';
import type { Agreement } from './extension.js';
import { acceptFault, SAMPLE_KEY, upgradeHeaders, upgradeRequest } from './http.js';
import type { Header, Target } from './http.js';

/** From best to worst; the worst thing seen in a case is its verdict. */
export const VERDICTS = ['OK', 'INFORMATIONAL', 'UNIMPLEMENTED', 'NON-STRICT', 'FAILED'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** A case without its number. */
export interface Draft {
  /** Section of the RFC, "6455 5.2". */
  rfc: string;
  title: string;
  /** When not 2 s. */
  timeout_ms?: number;
  /** Needs the machine for itself: runs after the others, alone. */
  heavy?: boolean;
  run(ctx: Context): Promise<void>;
}

export interface Case {
  /** Group, part, number: "5.2.3". */
  id: string;
  group: string;
  /** Section of the RFC, "6455 5.2". */
  section: string;
  title: string;
  timeout_ms: number;
  heavy: boolean;
  run(ctx: Context): Promise<void>;
}

export interface Result {
  id: string;
  group: string;
  section: string;
  title: string;
  verdict: Verdict;
  /** What was seen; empty for OK. */
  detail: string;
  duration_ms: number;
}

/** Message → payload, in the order of the calls. */
export type Deflate = (data: Buffer) => Promise<Buffer>;

export interface DeflatedClient {
  client: Client;
  agreement: Agreement;
  /** As the client may, by the agreement. */
  deflate: Deflate;
}

export const CASE_TIMEOUT_MS = 2000;

/** Drafts in parts → numbered cases. New drafts go to the end of a part, so that ids stay. */
export function group(number: number, name: string, parts: Draft[][]): Case[] {
  return parts.flatMap((drafts, part) =>
    drafts.map((draft, index) => ({
      id: `${number}.${part + 1}.${index + 1}`,
      group: name,
      section: `RFC ${draft.rfc}`,
      title: draft.title,
      timeout_ms: draft.timeout_ms ?? CASE_TIMEOUT_MS,
      heavy: draft.heavy ?? false,
      run: (ctx: Context) => draft.run(ctx),
    })),
  );
}

/** The server did not agree to the extension: there is nothing to judge. */
export class Unimplemented extends Error {}

/** One run of one case: opens connections, gathers notes, cleans up. */
export class Context {
  readonly target: Target;
  readonly #deadline: number;
  readonly #clients: Client[] = [];
  readonly #deflaters: Deflater[] = [];
  #verdict: Verdict = 'OK';
  readonly #notes: string[] = [];

  constructor(target: Target, timeout_ms: number) {
    this.target = target;
    this.#deadline = performance.now() + timeout_ms;
  }

  get verdict(): Verdict {
    return this.#verdict;
  }

  get detail(): string {
    return this.#notes.join('; ');
  }

  /** A bare TCP connection. */
  async tcp(): Promise<Client> {
    const client = await Client.open(this.target, this.#deadline);
    this.#clients.push(client);
    return client;
  }

  /** A connection behind a usual opening handshake. */
  async open(): Promise<Client> {
    const client = await this.tcp();
    await client.send(upgradeRequest(this.target));
    await this.upgraded(client);
    return client;
  }

  /** A connection with permessage-deflate. Throws Unimplemented when the server declines `offers`. */
  async deflated(...offers: string[]): Promise<DeflatedClient> {
    const client = await this.tcp();
    const agreement = await this.offer(client, offers.length > 0 ? offers : [USUAL_OFFER]);
    if (!agreement) throw new Unimplemented(`declined: ${offers.join(', ') || USUAL_OFFER}`);
    return { client, agreement, deflate: this.deflater(agreement.client) };
  }

  /** An opening handshake with these values of Sec-WebSocket-Extensions; what came of it. */
  async offer(client: Client, offers: string[]): Promise<Agreement | null> {
    client.offers(offers);
    const headers = offers.map((value): Header => [EXTENSIONS, value]);
    await client.send(upgradeRequest(this.target, [...upgradeHeaders(this.target), ...headers]));
    await this.upgraded(client);
    return client.agreement;
  }

  /** A compressor of the client's, that ends with the case. */
  deflater(options: DeflaterOptions): Deflate {
    const deflater = new Deflater(options);
    this.#deflaters.push(deflater);
    return (data) => deflater.deflate(data);
  }

  /** The handshake that `client` sent with `key` must be answered with a right 101. */
  async upgraded(client: Client, key = SAMPLE_KEY): Promise<void> {
    const response = await client.response();
    if (!response) throw new Failure('the connection ended without an answer to the handshake');
    const fault = acceptFault(response, key);
    if (fault) throw new Failure(`handshake: ${fault}`);
  }

  inform(note: string): void {
    this.#lower('INFORMATIONAL', note);
  }

  unimplemented(note: string): void {
    this.#lower('UNIMPLEMENTED', note);
  }

  nonStrict(note: string): void {
    this.#lower('NON-STRICT', note);
  }

  fail(note: string): void {
    this.#lower('FAILED', note);
  }

  dispose(): void {
    for (const client of this.#clients) client.destroy();
    for (const deflater of this.#deflaters) deflater.destroy();
  }

  #lower(verdict: Verdict, note: string): void {
    if (VERDICTS.indexOf(verdict) > VERDICTS.indexOf(this.#verdict)) this.#verdict = verdict;
    if (!this.#notes.includes(note)) this.#notes.push(note);
  }
}
