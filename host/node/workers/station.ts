// A worker of a program: its end of the bus, with all servers of the process.

import cluster from 'node:cluster';
import { Socket as NetSocket } from 'node:net';
import { here } from './here.js';
import { Lane } from './lane.js';
import { bodyOf, readHeader, recordEnd, RecordReader, RecordType } from './record.js';
import type { Member, PrimaryTell } from './team.js';
import { WorkerTeam } from './worker.js';

/** Ids of a worker's questions: its number above these bits. */
const ID_BITS = 24;

const place = here<never, Station>();

/** Whether this process was started as a worker of a primary's servers. */
export const isWorker = place.worker > 0;

/** This process' end of the bus, with the servers that it runs. */
export class Station {
  /** The number of this worker, and how many there are. */
  readonly worker = place.worker;
  readonly workers = place.workers;
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
    const id = this.worker * 2 ** ID_BITS + this.#id;
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
