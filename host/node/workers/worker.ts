// One server in a worker: it gets connections from the primary, and what the others publish; it serves
// as if it were alone.

import type { AddressInfo, Server as NetServer } from 'node:net';
import type { Published } from '../outbox.js';
import { Posts } from './posts.js';
import { RecordType, type Header } from './record.js';
import { unshifted } from './selection.js';
import { serve, share } from './shared.js';
import type { Station } from './station.js';
import {
  answerOf,
  type Goodbye,
  type Member,
  type PrimaryTell,
  type Question,
  type Team,
  type WorkerTell,
} from './team.js';

const NOBODY: Published = { delivered: 0, over: 0, dropped: 0 };

export class WorkerTeam extends Posts implements Team {
  readonly isPrimary = false;
  /** Whether there is nothing of it that keeps the process. */
  isClosed = true;
  #address: AddressInfo | null = null;
  #listening: (address: AddressInfo) => void = () => undefined;
  /** Connections that were taken, those that are sessions, and sockets that need not be. */
  #taken = 0;
  #sessions = 0;
  #sockets = 0;
  /** The user's server, if it is for more than these sessions. */
  #shared: NetServer | undefined;
  #tellsSize = false;

  constructor(
    private readonly station: Station,
    server: number,
    readonly member: Member,
  ) {
    super(server);
  }

  get worker(): number {
    return this.station.worker;
  }

  get workers(): number {
    return this.station.workers;
  }

  address(): AddressInfo | null {
    return this.#address;
  }

  /** The port is the primary's: it listens with what `listen` was called with there. */
  listen(): Promise<AddressInfo> {
    return new Promise((resolve) => {
      this.#listening = resolve;
      this.isClosed = false;
      this.#tell({ what: 'listen' });
    });
  }

  over(server: NetServer): Promise<void> {
    this.#shared = server;
    share(server, this);
    return new Promise((resolve) => {
      server.once('listening', resolve);
    });
  }

  async close(_: Goodbye | undefined, here: () => Promise<void>): Promise<void> {
    this.#address = null;
    await here();
    this.isClosed = true;
    this.#tell({ what: 'closed' });
    this.station.closed();
  }

  #tell(tell: WorkerTell, id = 0): void {
    const head = JSON.stringify(tell);
    this.station.lane.tell({ type: RecordType.TELL, server: this.server, kind: 0, id, head });
  }

  /** The primary tells something. */
  told(tell: PrimaryTell): void {
    if (tell.what === 'listening') {
      this.#address = tell.address;
      this.#listening(tell.address);
    } else if (tell.what === 'close') {
      this.member.close(tell.how).catch((error: unknown) => {
        this.member.threw(error);
      });
    }
  }

  // ------------------------------------------------------------- connections

  /** A connection that the primary accepted; undefined when its peer has gone meanwhile. */
  take(received: unknown): void {
    this.#taken += 1;
    this.#sizeSoon();
    const { member } = this;
    const socket = this.#shared ? serve(this.#shared, received) : member.serve(received);
    if (!socket) return;
    this.#sockets += 1;
    socket.once('close', () => {
      this.#sockets -= 1;
      this.#sizeSoon();
    });
  }

  sized(size: number): void {
    this.#sessions = size;
    this.#sizeSoon();
  }

  #sizeSoon(): void {
    this.#tellsSize = true;
    this.station.lane.schedule();
  }

  /** Tells how many connections there are, if that has changed: once a turn, before they are read from. */
  tellSize(): void {
    if (!this.#tellsSize) return;
    this.#tellsSize = false;
    const size = Math.max(this.#sessions, this.#sockets);
    this.#tell({ what: 'sized', taken: this.#taken, size });
  }

  admit(address: string, decided: (yes: boolean) => void): void {
    void this.station
      .ask<boolean>((id) => {
        this.#tell({ what: 'admit', address }, id);
      })
      .then(decided, () => {
        decided(false);
      });
  }

  left(address: string): void {
    this.#tell({ what: 'left', address });
  }

  // ---------------------------------------------------------------- the bus

  protected override post(header: Header, data: string | Uint8Array): void {
    this.station.lane.put(header, data);
  }

  async counted(run: () => Published): Promise<{ here: Published; others: Published[] }> {
    let here = NOBODY;
    const others = await this.station.ask<Published[]>((id) => {
      here = this.countedAs(id, run);
    });
    return { here, others };
  }

  ask<T>(question: Question): Promise<T[]> {
    return this.station.ask<T[]>((id) => {
      const head = JSON.stringify(question);
      this.station.lane.tell({ type: RecordType.ASK, server: this.server, kind: 0, id, head });
    });
  }

  /** What came from another process; returns the answer for who asked. */
  happened(header: Header, body: Buffer): unknown {
    try {
      return this.#answer(header, body);
    } catch (error) {
      this.member.threw(error);
      return NOBODY;
    }
  }

  #answer({ type, kind, head }: Header, body: Buffer): unknown {
    if (type === RecordType.ASK) return this.answer(JSON.parse(head) as Question);
    if (type === RecordType.PUBLISH) return this.member.publishHere(head, kind, body);
    const selection = unshifted(head);
    return selection ? this.member.broadcastHere(selection, kind, body) : NOBODY;
  }

  /** What this worker answers to a question. */
  answer(question: Question): unknown {
    const answer = answerOf(this.member, question);
    if (question.what !== 'metrics') return answer;
    return { metrics: answer, dropped: this.station.lane.dropped, refused: 0 };
  }
}
