// A worker: it gets connections from the primary, and what the others publish; it runs the program
// as if it were alone.

import cluster from 'node:cluster';
import { Socket as NetSocket, type AddressInfo, type Server as NetServer } from 'node:net';
import type { Selection } from '../hub.js';
import type { Published } from '../outbox.js';
import { here } from './here.js';
import { Lane } from './lane.js';
import { bodyOf, readHeader, recordEnd, RecordReader, RecordType, type Header } from './record.js';
import { shifted, unshifted } from './selection.js';
import { serve, share } from './shared.js';
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
/** Ids of a worker's questions: its number above these bits. */
const ID_BITS = 24;

const place = here<never, Station>();

/** Whether this process was started as a worker of a primary's servers. */
export const isWorker = place.worker > 0;

/** This process' end of the bus, with the servers that it runs. */
class Station {
  readonly teams: WorkerTeam[] = [];
  readonly lane: Lane;
  /** Who waits for what was asked. */
  readonly #waiting = new Map<number, (answer: unknown) => void>();
  #id = Math.floor(Math.random() * 2 ** ID_BITS);
  #left = false;

  constructor() {
    const stream = new NetSocket({ fd: place.descriptor, readable: true, writable: true });
    this.lane = new Lane(stream, {
      stalled: () => {
        const what = 'the primary does not read: what is published is dropped for other workers';
        for (const { member } of this.teams) member.failed(new Error(what));
      },
      writes: () => {
        for (const team of this.teams) team.tellSize();
      },
    });
    const reader = new RecordReader((records) => {
      for (let at = 0; at < records.length; at = recordEnd(records, at)) this.#take(records, at);
    });
    stream.on('data', (chunk: Buffer) => {
      reader.push(chunk);
    });
    // The primary is gone, and node:cluster ends the process.
    stream.on('error', () => undefined);
    process.on('message', (message: { limpet?: unknown } | null, connection: unknown) => {
      if (typeof message !== 'object' || typeof message?.limpet !== 'number') return;
      this.teams.at(message.limpet)?.take(connection);
    });
    // A terminal and a supervisor send these to all processes; it is the primary that decides.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
  }

  /** Sends a record whose answer will come with its id. */
  async ask<T>(send: (id: number) => void): Promise<T> {
    this.#id = (this.#id + 1) % 2 ** ID_BITS;
    const id = place.worker * 2 ** ID_BITS + this.#id;
    if (this.#left) throw new Error('the server is closed');
    const answered = new Promise<T>((resolve) => {
      this.#waiting.set(id, (answer) => {
        resolve(answer as T);
      });
    });
    try {
      send(id);
    } catch (error) {
      this.#waiting.delete(id);
      throw error;
    }
    return answered;
  }

  /** A server has closed: after the last one nothing of this keeps the process. */
  closed(): void {
    if (this.teams.every(({ isClosed }) => isClosed)) this.#leave();
  }

  #leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.lane.end();
    cluster.worker?.disconnect();
  }

  #take(records: Buffer, at: number): void {
    const header = readHeader(records, at);
    const { type, id } = header;
    const team = this.teams.at(header.server);
    if (type === RecordType.ANSWER) {
      this.#settle(id, JSON.parse(header.head));
    } else if (type === RecordType.TELL) {
      const tell = JSON.parse(header.head) as PrimaryTell;
      if (tell.what === 'exit') this.#leave();
      else if (tell.what === 'admitted') this.#settle(id, tell.yes);
      else team?.told(tell);
    } else if (team) {
      const answer = team.happened(header, bodyOf(records, at));
      if (id === 0) return;
      const head = JSON.stringify(answer);
      this.lane.tell({ ...header, type: RecordType.ANSWER, head });
    }
  }

  #settle(id: number, answer: unknown): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.(answer);
  }
}

/** Takes a server of this process into the program; servers are made in the same order in all. */
export function joinWorker(member: Member): WorkerTeam {
  const station = (place.station ??= new Station());
  const team = new WorkerTeam(station, station.teams.length, member);
  station.teams.push(team);
  return team;
}

export class WorkerTeam implements Team {
  readonly isPrimary = false;
  readonly worker = place.worker;
  readonly workers = place.workers;
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
  /** The id of what is published with counts. */
  #counting = 0;

  constructor(
    private readonly station: Station,
    private readonly server: number,
    readonly member: Member,
  ) {}

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

  publish(topic: string, kind: number, data: string | Uint8Array): void {
    this.#put(RecordType.PUBLISH, topic, kind, data);
  }

  broadcast(selection: Selection, kind: number, data: string | Uint8Array): void {
    this.#put(RecordType.BROADCAST, shifted(selection), kind, data);
  }

  #put(type: number, head: string, kind: number, data: string | Uint8Array): void {
    const id = this.#counting;
    this.#counting = 0;
    this.station.lane.put({ type, server: this.server, kind, id, head }, data);
  }

  async counted(run: () => Published): Promise<{ here: Published; others: Published[] }> {
    let here = NOBODY;
    const others = await this.station.ask<Published[]>((id) => {
      this.#counting = id;
      try {
        here = run();
      } finally {
        this.#counting = 0;
      }
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
