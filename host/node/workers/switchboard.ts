// The primary's end of the bus: what one worker publishes ─► all others; questions ─► answers of all.
//
// Runs of records pass as they came. The primary looks at their headers only to find those whose
// origin waits for counts, and what is meant for itself.

import type { Duplex } from 'node:stream';
import { Lane } from './lane.js';
import { readHeader, recordEnd, RecordReader, RecordType, type Header } from './record.js';
import type { PrimaryTell, WorkerTell } from './team.js';

/** How long answers are waited for: a worker that is stuck must not hold up who asks. */
const ANSWER_MS = 2000;

/** Somebody waits for what others answer. */
interface Pending {
  origin: number;
  waits: Set<number>;
  answers: unknown[];
  done: (answers: unknown[]) => void;
  timer: NodeJS.Timeout;
}

/** A worker's end. */
interface Line {
  lane: Lane;
  /** Servers of the worker that listen: only those have subscribers. */
  ready: Set<number>;
}

/** What the switchboard asks of the servers in the primary. */
export interface Operator {
  /** A worker tells something; `id` comes back with the answer. */
  told(worker: number, server: number, id: number, tell: WorkerTell): void;
  /** What the primary itself answers to a question that goes round; undefined for nothing. */
  answer(server: number, question: string): unknown;
  /** A worker does not read: what is published is dropped for it. */
  stalled(worker: number): void;
}

export class Switchboard {
  readonly #lines = new Map<number, Line>();
  readonly #pending = new Map<number, Pending>();
  #id = 0;
  /** What was dropped for workers that are gone. */
  #dropped = 0;

  constructor(private readonly operator: Operator) {}

  /** Messages that were dropped for workers that did not read. */
  get dropped(): number {
    let sum = this.#dropped;
    for (const { lane } of this.#lines.values()) sum += lane.dropped;
    return sum;
  }

  /** A worker was started; its end of the bus. */
  connect(worker: number, stream: Duplex): void {
    const lane = new Lane(stream, {
      stalled: () => {
        this.operator.stalled(worker);
      },
    });
    this.#lines.set(worker, { lane, ready: new Set() });
    const reader = new RecordReader((records) => {
      this.#run(worker, records);
    });
    stream.on('data', (chunk: Buffer) => {
      reader.push(chunk);
    });
    // It ends with the worker, and that is seen elsewhere.
    stream.on('error', () => undefined);
  }

  /** A worker is gone: nobody waits for its answers any more. */
  disconnect(worker: number): void {
    this.#dropped += this.#lines.get(worker)?.lane.dropped ?? 0;
    this.#lines.delete(worker);
    for (const [id, pending] of this.#pending) {
      if (pending.origin === worker) {
        clearTimeout(pending.timer);
        this.#pending.delete(id);
      } else if (pending.waits.delete(worker)) this.#settle(id, pending);
    }
  }

  /** A server of a worker listens: from now on it gets what is published. */
  setReady(worker: number, server: number): void {
    this.#lines.get(worker)?.ready.add(server);
  }

  /** Tells one worker something. */
  tell(worker: number, server: number, tell: PrimaryTell, id = 0): void {
    const head = JSON.stringify(tell);
    this.#lines.get(worker)?.lane.tell({ type: RecordType.TELL, server, kind: 0, id, head });
  }

  /** Sends a message of the primary's own to all workers. */
  put(header: Header, body: string | Uint8Array): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    for (const { lane, ready } of this.#lines.values()) {
      if (ready.has(header.server)) lane.put(header, bytes);
    }
  }

  /** An id for a question of the primary's own, and the answers to it. */
  ask<T>(server: number): { id: number; answers: Promise<T[]> } {
    this.#id = (this.#id % 0xff_ffff) + 1;
    const id = this.#id;
    const answers = new Promise<T[]>((resolve) => {
      this.#expect(id, server, 0, undefined, (all) => {
        resolve(all as T[]);
      });
    });
    return { id, answers };
  }

  /** Records of one worker. */
  #run(worker: number, records: Buffer): void {
    let from = 0;
    for (let at = 0; at < records.length;) {
      const end = recordEnd(records, at);
      const type = records[at + 4];
      if (type === RecordType.ANSWER || type === RecordType.TELL) {
        this.#pass(worker, records.subarray(from, at));
        from = end;
        this.#meant(worker, readHeader(records, at));
      } else if (records.readUInt32LE(at + 8) !== 0) {
        this.#asked(worker, readHeader(records, at));
      }
      at = end;
    }
    this.#pass(worker, records.subarray(from));
  }

  #pass(from: number, records: Buffer): void {
    if (records.length === 0) return;
    for (const [worker, { lane, ready }] of this.#lines) {
      if (worker !== from && ready.size > 0) lane.pass(records);
    }
  }

  /** What is for the primary itself. */
  #meant(worker: number, { type, server, id, head }: Header): void {
    if (type === RecordType.TELL) {
      this.operator.told(worker, server, id, JSON.parse(head) as WorkerTell);
      return;
    }
    const pending = this.#pending.get(id);
    if (!pending?.waits.delete(worker)) return;
    pending.answers.push(JSON.parse(head));
    this.#settle(id, pending);
  }

  /** A worker asks all others: they get the record, and answer with its id. */
  #asked(worker: number, { type, server, id, head }: Header): void {
    const own = type === RecordType.ASK ? this.operator.answer(server, head) : undefined;
    this.#expect(id, server, worker, own, (answers) => {
      const header = {
        type: RecordType.ANSWER,
        server,
        kind: 0,
        id,
        head: JSON.stringify(answers),
      };
      this.#lines.get(worker)?.lane.tell(header);
    });
  }

  #expect(
    id: number,
    server: number,
    origin: number,
    own: unknown,
    done: (answers: unknown[]) => void,
  ): void {
    const waits = new Set<number>();
    for (const [worker, { ready }] of this.#lines) {
      if (worker !== origin && ready.has(server)) waits.add(worker);
    }
    const timer = setTimeout(() => {
      waits.clear();
      this.#settle(id, pending);
    }, ANSWER_MS).unref();
    const pending = { origin, waits, answers: own === undefined ? [] : [own], done, timer };
    this.#pending.set(id, pending);
    this.#settle(id, pending);
  }

  #settle(id: number, { waits, timer, done, answers }: Pending): void {
    if (waits.size > 0) return;
    clearTimeout(timer);
    this.#pending.delete(id);
    done(answers);
  }
}
