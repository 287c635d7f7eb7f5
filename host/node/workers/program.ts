// The primary of a program: all its servers with workers, and the processes that they share.

import cluster from 'node:cluster';
import { isMainThread } from 'node:worker_threads';
import { Crew } from './crew.js';
import { here } from './here.js';
import { PrimaryTeam, type Bounds } from './primary.js';
import { Switchboard } from './switchboard.js';
import type { Member, Question, WorkerTell } from './team.js';

export class Program {
  readonly teams: PrimaryTeam[] = [];
  readonly crew: Crew;
  readonly switchboard: Switchboard;
  /** What workers told of servers that the primary has not made yet: it may be behind them. */
  #early: { worker: number; server: number; id: number; tell: WorkerTell }[] = [];

  constructor(readonly workers: number) {
    this.crew = new Crew(workers, {
      started: (id, bus) => {
        this.switchboard.connect(id, bus);
      },
      ended: (id, ending) => {
        this.switchboard.disconnect(id);
        this.#early = this.#early.filter(({ worker }) => worker !== id);
        for (const team of this.teams) team.gone(id, ending);
      },
    });
    this.switchboard = new Switchboard({
      told: (worker, server, id, tell) => {
        const team = this.teams.at(server);
        if (team) team.told(worker, id, tell);
        else this.#early.push({ worker, server, id, tell });
      },
      answer: (server, question) => this.teams.at(server)?.answer(JSON.parse(question) as Question),
      stalled: (worker) => {
        for (const team of this.teams) team.stalled(worker);
      },
    });
  }

  /** Takes a server in; those of one program are made in the same order in all processes. */
  add(bounds: Bounds, member: Member): PrimaryTeam {
    const number = this.teams.length;
    const team = new PrimaryTeam(this, number, bounds, member);
    this.teams.push(team);
    const early = this.#early.filter(({ server }) => server === number);
    this.#early = this.#early.filter(({ server }) => server !== number);
    for (const { worker, id, tell } of early) team.told(worker, id, tell);
    return team;
  }

  /** A server closes: workers that end from now on are not started again, if it is the last one. */
  closing(): void {
    if (this.teams.every(({ phase }) => phase !== 'open')) this.crew.retire();
  }

  /** A server has closed: with the last one the processes end. */
  async closed(): Promise<void> {
    if (this.teams.some(({ phase }) => phase !== 'closed')) return;
    for (let id = 1; id <= this.workers; id++) this.switchboard.tell(id, 0, { what: 'exit' });
    await this.crew.end();
  }
}

const place = here<Program, never>();

/** Takes a server of this process into the program. Throws what keeps it from having workers. */
export function joinPrimary(workers: number, bounds: Bounds, member: Member): PrimaryTeam {
  if (cluster.isWorker) {
    throw new Error('workers: this process is a worker of node:cluster, and has none of its own');
  }
  if (!isMainThread) throw new Error('workers are started by the main thread only');
  if (!cluster.settings.exec && !process.argv[1]) {
    throw new Error('workers run the program again, and there is no file to run');
  }
  const program = (place.program ??= new Program(workers));
  if (program.workers !== workers) {
    throw new RangeError(
      `workers is ${String(program.workers)} for all servers of a program, not ${String(workers)}`,
    );
  }
  return program.add(bounds, member);
}
