// A program with workers → its port, what it tells of them, and clients that ask it to do things.

import type { TestContext } from 'node:test';
import { text } from '../../conformance/frame.js';
import { Child } from './child.js';
import { Peer, type Handshake } from './peer.js';
import { until } from './wait.js';

export const PROGRAM = 'test/host/support/crew.mjs';

/** Starting processes takes longer than a message. */
const START_MS = 20_000;

/** A line that the program printed of a worker. */
export interface Line {
  id?: number;
  pid?: number;
  state?: 'listening' | 'ended';
  code?: number | null;
  signal?: string | null;
  error?: string;
}

export class Crew {
  private constructor(
    readonly t: TestContext,
    readonly child: Child,
    readonly port: number,
  ) {}

  /** Starts the program; it is killed when the test ends before it does. */
  static async start(t: TestContext, options: object): Promise<Crew> {
    const child = new Child(t, [PROGRAM, JSON.stringify(options)]);
    return new Crew(t, child, await child.port(START_MS));
  }

  /** What it told of its workers since they all listened. */
  get lines(): Line[] {
    const lines = this.child.stdout.split('\n').filter((line) => line.startsWith('{'));
    return lines.map((line) => JSON.parse(line) as Line);
  }

  async open(options?: Handshake): Promise<Client> {
    const peer = await Peer.open(this.port, options);
    this.t.after(() => peer.transport.destroy());
    return new Client(peer);
  }

  /** Clients that were opened one after the other: as many on each worker. */
  async opens(count: number, options?: Handshake): Promise<Client[]> {
    const clients: Client[] = [];
    for (let i = 0; i < count; i++) clients.push(await this.open(options));
    return clients;
  }

  async connect(): Promise<Peer> {
    const peer = await Peer.connect(this.port);
    this.t.after(() => peer.transport.destroy());
    return peer;
  }
}

/** Who a client is connected to. */
export interface Who {
  worker: number;
  pid: number;
  primary: number;
}

/** A client of the program. */
export class Client {
  /** Messages that were published, in the order in which they came. */
  readonly #heard: string[] = [];
  readonly #answers: { ask: string; answer?: unknown; error?: string }[] = [];

  constructor(readonly peer: Peer) {}

  /** Messages that were published so far. */
  get heard(): string[] {
    for (const { payload } of this.peer.frames.splice(0)) {
      const message = payload.toString();
      if (message.startsWith('{"ask"')) this.#answers.push(JSON.parse(message) as never);
      else this.#heard.push(message);
    }
    return this.#heard;
  }

  /** Asks for something, and returns the answer; throws the error that it is answered with. */
  async ask<T = unknown>(ask: string, how: object = {}): Promise<T> {
    this.peer.write(text(JSON.stringify({ ask, ...how })));
    const mine = () => this.heard && this.#answers.findIndex((answer) => answer.ask === ask);
    await until(() => mine() >= 0 || this.peer.over !== '', `an answer to ${ask}`);
    const [answer] = this.#answers.splice(mine(), 1);
    if (!answer) throw new Error(`no answer to ${ask}: ${this.peer.over}`);
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.answer as T;
  }

  who(): Promise<Who> {
    return this.ask<Who>('who');
  }

  /** Waits until so many messages were heard. */
  async hears(count: number): Promise<string[]> {
    await until(() => this.heard.length >= count, `${count} messages`);
    return this.heard;
  }
}

/** Whether a process is there. */
export function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
