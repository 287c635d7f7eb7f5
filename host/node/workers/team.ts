// One server in many processes: what its part in each does for the others, and asks of them.
//
//   primary   listens, deals connections out, passes on what is published, looks after the workers
//   worker    runs the program again, and serves the connections that it gets

import type {
  AddressInfo,
  ListenOptions,
  Server as NetServer,
  Socket as NetSocket,
} from 'node:net';
import type { Room, Selection } from '../hub.js';
import type { Metrics } from '../metrics.js';
import type { Published } from '../outbox.js';
import type { Bus } from '../shards.js';

/** What a face does when other processes ask for it. */
export interface Face {
  /**
   * Serves a connection that the primary accepted.
   *
   * @param received a handle, or a socket
   * @returns its socket, if it counts before it is a session: until its TLS handshake is done
   */
  serve(received: unknown): NetSocket | undefined;
  /** Closes the server, and its connections; without `how` they stay until they close. */
  close(how: Goodbye | undefined): Promise<void>;
  /** A worker listens, or has ended. */
  worker(event: WorkerEvent): void;
  /** Something went wrong that nobody waits for. */
  failed(error: Error): void;
  /** A listener threw. */
  threw(error: unknown): void;
}

/** The server of this process, as the others see it. */
export interface Member extends Face {
  publishHere(topic: string, kind: number, data: Uint8Array): Published;
  broadcastHere(selection: Selection, kind: number, data: Uint8Array): Published;
  metrics(): Metrics;
  rooms(): Room[];
  room(topic: string): Room | undefined;
}

/** How clients are sent away. */
export interface Goodbye {
  code: number;
  reason: string;
  timeout: number;
}

/** What happened to a worker. */
export interface WorkerEvent {
  /** Its number, from 1 on; the one that replaces it has the same. */
  id: number;
  pid: number;
  state: 'listening' | 'ended';
  /** How it ended: its exit code, or the signal. */
  code?: number | null;
  signal?: string | null;
}

/** What can be asked of the server in every process. */
export type Question = { what: 'metrics' } | { what: 'rooms' } | { what: 'room'; topic: string };

/** What a worker tells the primary. */
export type WorkerTell =
  /** `listen` was called; the server is closed. */
  | { what: 'listen' }
  | { what: 'closed' }
  /** So many connections were taken of those dealt, and so many there are. */
  | { what: 'sized'; taken: number; size: number }
  /** May an address have one connection more? One of it has gone. */
  | { what: 'admit'; address: string }
  | { what: 'left'; address: string };

/** What the primary tells a worker. */
export type PrimaryTell =
  /** The address that is listened on; the answer to `admit`. */
  | { what: 'listening'; address: AddressInfo }
  | { what: 'admitted'; yes: boolean }
  /** Close this server; all are closed, end the process. */
  | { what: 'close'; how?: Goodbye | undefined }
  | { what: 'exit' };

/** The part of a server that knows of its other processes. */
export interface Team extends Bus {
  readonly isPrimary: boolean;
  /** The number of this worker, 0 in the primary. */
  readonly worker: number;
  /** The address that is listened on; null when it is not. */
  address(): AddressInfo | null;
  /** Primary: when all workers listen. Worker: when the primary listens. Rejects when it cannot. */
  listen(options: ListenOptions): Promise<AddressInfo>;
  /**
   * A server that is the user's is the port; it is told to listen elsewhere. Resolves when it does, in
   * the primary with all workers.
   */
  over(server: NetServer): Promise<void>;
  /** Primary: ends all. Worker: ends this one's part, which `here` does. */
  close(how: Goodbye | undefined, here: () => Promise<void>): Promise<void>;
  /** Lets something publish or broadcast, once, and resolves with the counts of the other workers. */
  counted(run: () => Published): Promise<{ here: Published; others: Published[] }>;
  /** What the servers of the other processes answer. */
  ask<T>(question: Question): Promise<T[]>;
  /** What this process itself answers; undefined for nothing. */
  answer(question: Question): unknown;
}

/** Numbers of workers are a byte in the ids of what they ask. */
export const WORKERS_MAX = 255;

/** What a process adds to the counters of all. */
export interface Part {
  /** Absent in the primary, which has no connections. */
  metrics?: Metrics;
  /** Messages that were dropped on their way to other processes. */
  dropped: number;
  /** Connections that the primary closed because there were maxConnections. */
  refused: number;
}

/** Answers a question. */
export function answerOf(member: Member, question: Question): unknown {
  switch (question.what) {
    case 'metrics':
      return member.metrics();
    case 'rooms':
      return member.rooms();
    case 'room':
      return member.room(question.topic) ?? null;
  }
}
