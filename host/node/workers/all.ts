// The same calls over all workers: what a server answers at once is of this process; here it is of
// all, and comes a moment later. Without workers both are the same.

import { joinRooms, type Room } from '../hub.js';
import { sumMetrics, type Metrics, type WorkerMetrics } from '../metrics.js';
import type { Published } from '../outbox.js';
import type { Part, Team } from './team.js';

/** What became of a message in all workers. */
export interface PublishedByAll extends Published {
  /** Workers that have answered: one that is stuck, or has just ended, is not among them. */
  workers: number;
}

/** Counters of all workers: those that have answered, `workers`; and what was dropped between them. */
export type AllMetrics = Metrics & WorkerMetrics;

/** What a face has that can be asked of all. */
interface Here {
  publish(...args: never[]): Published;
  broadcast(...args: never[]): Published;
  metrics(): Metrics;
  rooms(): Room[];
  room(topic: string): Room | undefined;
}

export class Everywhere<Face extends Here> {
  constructor(
    private readonly face: Face,
    private readonly team: Team | undefined,
  ) {}

  /** `publish`, with the counts of all workers. */
  publish(...args: Parameters<Face['publish']>): Promise<PublishedByAll> {
    return this.#counted(() => this.face.publish(...args));
  }

  /** `broadcast`, with the counts of all workers. */
  broadcast(...args: Parameters<Face['broadcast']>): Promise<PublishedByAll> {
    return this.#counted(() => this.face.broadcast(...args));
  }

  async #counted(run: () => Published): Promise<PublishedByAll> {
    if (!this.team) return { ...run(), workers: 1 };
    const { here, others } = await this.team.counted(run);
    const all = this.team.isPrimary ? others : [here, ...others];
    const sum = { delivered: 0, over: 0, dropped: 0, workers: all.length };
    for (const { delivered, over, dropped } of all) {
      sum.delivered += delivered;
      sum.over += over;
      sum.dropped += dropped;
    }
    return sum;
  }

  /** The counters of all workers; a message that is published counts in each of them. */
  async metrics(): Promise<AllMetrics> {
    if (!this.team) return { ...this.face.metrics(), workers: 1, busDropped: 0 };
    const parts = await this.team.ask<Part>({ what: 'metrics' });
    parts.push(this.team.answer({ what: 'metrics' }) as Part);
    const all = parts.flatMap(({ metrics }) => metrics ?? []);
    const sum = all.length > 0 ? sumMetrics(all) : this.face.metrics();
    const total = (of: (part: Part) => number) => parts.reduce((so, part) => so + of(part), 0);
    return {
      ...sum,
      sessionsFull: sum.sessionsFull + total(({ refused }) => refused),
      workers: all.length,
      busDropped: total(({ dropped }) => dropped),
    };
  }

  /** The rooms of all workers, those of one topic as one. */
  async rooms(): Promise<Room[]> {
    const others = (await this.team?.ask<Room[]>({ what: 'rooms' })) ?? [];
    return joinRooms([...this.face.rooms(), ...others.flat()]);
  }

  /** The room of a topic or pattern in all workers; undefined when nobody is in. */
  async room(topic: string): Promise<Room | undefined> {
    const others = (await this.team?.ask<Room | null>({ what: 'room', topic })) ?? [];
    return joinRooms([this.face.room(topic), ...others].flatMap((room) => room ?? [])).at(0);
  }
}
