// One server in the primary: it listens and deals connections out, and speaks for all workers; it serves
// none.

import type { AddressInfo, ListenOptions, Server as NetServer } from 'node:net';
import type { Published } from '../outbox.js';
import { Addresses } from './addresses.js';
import type { Ending } from './crew.js';
import { Dealer } from './dealer.js';
import { Posts } from './posts.js';
import type { Program } from './program.js';
import { RecordType, type Header } from './record.js';
import type { Goodbye, Member, Question, Team, WorkerTell } from './team.js';

/** How long a worker may take beyond what its clients may. */
const LEAVE_MS = 1000;

/** What bounds the connections of all workers together. */
export interface Bounds {
  maxConnections: number;
  /** 0 = no bound. */
  maxConnectionsPerAddress: number;
}

export class PrimaryTeam extends Posts implements Team {
  readonly isPrimary = true;
  readonly worker = 0;
  /** Processes run as long as a server is open. */
  phase: 'open' | 'closing' | 'closed' = 'closed';
  /** Where it listens, or did. */
  #address: AddressInfo | undefined;
  readonly #dealer: Dealer;
  readonly #addresses: Addresses;
  /** Workers that called `listen`, and those whose server closed. */
  readonly #listening = new Set<number>();
  readonly #left = new Set<number>();
  /** Those who wait for workers: told when one listens or closes, or has ended. */
  readonly #waits = new Set<(failure?: Error) => void>();

  constructor(
    private readonly program: Program,
    server: number,
    bounds: Bounds,
    private readonly member: Member,
  ) {
    super(server);
    this.#addresses = new Addresses(bounds.maxConnectionsPerAddress);
    this.#dealer = new Dealer(bounds.maxConnections, (error) => {
      member.failed(error);
    });
  }

  get workers(): number {
    return this.program.workers;
  }

  address(): AddressInfo | null {
    return this.#dealer.address();
  }

  async listen(options: ListenOptions): Promise<AddressInfo> {
    const address = await this.#dealer.listen(options);
    try {
      await this.#begin(address);
    } catch (error) {
      await this.close({ code: 1001, reason: '', timeout: 0 });
      throw error;
    }
    return address;
  }

  async over(server: NetServer): Promise<void> {
    await this.#begin(await this.#dealer.over(server));
  }

  /** The port is there: resolves when all workers serve it. */
  async #begin(address: AddressInfo): Promise<void> {
    this.phase = 'open';
    this.#address = address;
    for (const worker of this.#listening) this.#serves(worker, address);
    const { crew } = this.program;
    crew.start();
    await new Promise<void>((resolve, reject) => {
      const late = 'workers that should listen do not after';
      const timer = setTimeout(() => {
        wait(new Error(`${late} ${String(crew.patience_ms)} ms`));
      }, crew.patience_ms);
      const wait = (failure?: Error) => {
        if (!failure && this.#listening.size < this.workers) return;
        clearTimeout(timer);
        this.#waits.delete(wait);
        if (failure) reject(failure);
        else resolve();
      };
      this.#waits.add(wait);
      wait();
    });
  }

  async close(how: Goodbye | undefined): Promise<void> {
    if (this.phase !== 'open') return;
    this.phase = 'closing';
    this.program.closing();
    this.#changed(new Error('the server is closed'));
    this.#dealer.close();
    for (const id of this.#listening) {
      this.program.switchboard.tell(id, this.server, { what: 'close', how });
    }
    await this.#allLeft(how && how.timeout + LEAVE_MS);
    this.phase = 'closed';
    await this.program.closed();
    this.#listening.clear();
    this.#left.clear();
  }

  /** Resolves when the servers of all workers have closed; one that does not is ended with its process. */
  #allLeft(patience_ms: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wait = () => {
        if ([...this.#listening].every((id) => this.#left.has(id))) done();
      };
      const done = () => {
        clearTimeout(timer);
        this.#waits.delete(wait);
        resolve();
      };
      const timer = patience_ms === undefined ? undefined : setTimeout(done, patience_ms);
      this.#waits.add(wait);
      wait();
    });
  }

  /** Tells those who wait that a worker listens, has closed, or has ended. */
  #changed(failure?: Error): void {
    for (const wait of [...this.#waits]) wait(failure);
  }

  // ------------------------------------------------------------ the workers

  /** A worker tells something. */
  told(worker: number, id: number, tell: WorkerTell): void {
    switch (tell.what) {
      case 'listen':
        this.#listening.add(worker);
        this.program.switchboard.setReady(worker, this.server);
        if (this.#address) this.#serves(worker, this.#address);
        this.#changed();
        return;
      case 'closed':
        this.#dealer.remove(worker);
        this.#left.add(worker);
        this.#changed();
        return;
      case 'sized':
        this.#dealer.sized(worker, tell.taken, tell.size);
        return;
      case 'admit': {
        const yes = this.#addresses.admit(worker, tell.address);
        this.program.switchboard.tell(worker, this.server, { what: 'admitted', yes }, id);
        return;
      }
      case 'left':
        this.#addresses.left(worker, tell.address);
        return;
    }
  }

  /** A worker listens, and so does the primary: it gets connections. Where that is over it gets none. */
  #serves(worker: number, address: AddressInfo): void {
    const { crew, switchboard } = this.program;
    switchboard.tell(worker, this.server, { what: 'listening', address });
    if (this.phase !== 'open') return;
    this.#dealer.add(worker, (connection, sent) => {
      crew.send(worker, { limpet: this.server }, connection, sent);
    });
    this.member.worker({ id: worker, pid: crew.pid(worker), state: 'listening' });
  }

  /** A worker's process has ended. */
  gone(worker: number, { pid, code, signal }: Ending): void {
    this.#dealer.remove(worker);
    this.#addresses.forget(worker);
    this.#listening.delete(worker);
    this.#left.delete(worker);
    if (this.phase === 'closed') return;
    this.member.worker({ id: worker, pid, state: 'ended', code, signal });
    const how = signal ? `was ended by ${signal}` : `ended with exit code ${String(code)}`;
    const error = new Error(`worker ${String(worker)} ${how}`);
    const isAwaited = this.#waits.size > 0;
    this.#changed(error);
    if (code !== 0 && !isAwaited) this.member.failed(error);
  }

  stalled(worker: number): void {
    const what = 'does not read: what is published is dropped for it';
    this.member.failed(new Error(`worker ${String(worker)} ${what}`));
  }

  // ---------------------------------------------------------------- the bus

  protected override post(header: Header, data: string | Uint8Array): void {
    this.program.switchboard.put(header, data);
  }

  async counted(run: () => Published): Promise<{ here: Published; others: Published[] }> {
    const { id, answers } = this.program.switchboard.ask<Published>(this.server);
    const here = this.countedAs(id, run);
    return { here, others: await answers };
  }

  ask<T>(question: Question): Promise<T[]> {
    const { switchboard } = this.program;
    const { id, answers } = switchboard.ask<T>(this.server);
    const head = JSON.stringify(question);
    switchboard.put({ type: RecordType.ASK, server: this.server, kind: 0, id, head }, '');
    return answers;
  }

  /** What the primary answers itself. */
  answer({ what }: Question): unknown {
    if (what !== 'metrics') return undefined;
    return { dropped: this.program.switchboard.dropped, refused: this.#dealer.refused };
  }

  // The primary has no connections: these are a worker's.

  sized(): void {}

  admit(_: string, decided: (yes: boolean) => void): void {
    decided(false);
  }

  left(): void {}
}
