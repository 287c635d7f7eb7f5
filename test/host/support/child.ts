// A program → a child process that is ended by its handle, its lines, and its exit.

import { spawn, type ChildProcess } from 'node:child_process';
import type { TestContext } from 'node:test';
import { until, within } from './wait.js';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export class Child {
  stdout = '';
  stderr = '';
  readonly exit: Promise<Exit>;
  readonly #process: ChildProcess;

  /** Starts `node`, or another program, with these arguments; it is killed when the test ends before it does. */
  constructor(t: TestContext, args: string[], program = process.execPath) {
    this.#process = spawn(program, args, { stdio: 'pipe' });
    this.#process.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.#process.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.exit = new Promise((resolve) => {
      this.#process.once('close', (code, signal) => {
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
    t.after(async () => {
      this.#process.kill('SIGKILL');
      await this.exit;
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Types something on its stdin. */
  type(text: string): void {
    this.#process.stdin?.write(text);
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** How it ended, within a bound. */
  ended(ms = 10_000): Promise<Exit> {
    return within(this.exit, 'the end of the process', ms);
  }

  /** The port in its first line; rejects when it ends instead. */
  async port(ms = 10_000): Promise<number> {
    let isOver = false;
    void this.exit.then(() => (isOver = true));
    await until(() => this.stdout.includes('\n') || isOver, 'the address of the server', ms);
    const [, port] = /:(\d+)\/?\n/.exec(this.stdout) ?? [];
    if (!port) throw new Error(`no address: ${this.stdout}${this.stderr}`);
    return Number(port);
  }
}

/** Runs the command to its end. */
export function limpet(t: TestContext, ...args: string[]): Promise<Exit> {
  return new Child(t, ['build/cli.js', ...args]).ended(60_000);
}

/** Starts `limpet serve` on a free port. */
export async function serve(
  t: TestContext,
  ...args: string[]
): Promise<{ child: Child; port: number }> {
  const child = new Child(t, ['build/cli.js', 'serve', '--port', '0', ...args]);
  return { child, port: await child.port() };
}
