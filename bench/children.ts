// Command → child process that never outlives the bench: on return, error and Ctrl-C alike it is
// ended by its handle.

import { spawn, type ChildProcess } from 'node:child_process';
import { say } from './suite.js';

/** A child that can be asked, one question at a time, if it was started so. */
export interface Helper {
  pid: number;
  /** Sends a message over the channel; resolves to the child's next one. */
  ask(question: object): Promise<unknown>;
  /** Ends the process; resolves once it is gone. */
  end(): Promise<void>;
}

export interface Server extends Helper {
  port: number;
}

const START_MS = 10_000;
const END_MS = 2_000;
const ANSWER_MS = 60_000;

const running = new Set<ChildProcess>();
let guarded = false;

/** Starts a server and waits for the first `http://127.0.0.1:PORT/` on its stdout. Where both say so, the outer environment wins over `env`. */
export function startServer(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  asked = false,
): Promise<Server> {
  const child = start(command, { ...env, ...process.env }, asked);
  return new Promise((resolve, reject) => {
    let printed = '';
    const fail = (why: string): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`${command.join(' ')}: ${why}`));
    };
    const timer = setTimeout(() => fail(`no URL printed within ${START_MS} ms`), START_MS);
    const exited = (code: number | null): void => fail(`exited with ${code} before it listened`);
    child.once('error', (error) => fail(error.message));
    child.once('exit', exited);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (printed === 'done') return; // still read, so that a talkative server is not blocked
      printed += text;
      const url = /http:\/\/127\.0\.0\.1:(\d+)\//.exec(printed);
      if (!url || child.pid === undefined) return;
      printed = 'done';
      clearTimeout(timer);
      child.off('exit', exited);
      const died = (code: number | null, signal: string | null): void =>
        say(`server ${child.pid} (${command.join(' ')}) exited unasked: ${signal ?? code}`);
      child.once('exit', died);
      resolve({
        pid: child.pid,
        port: Number(url[1]),
        ask: (question) => ask(child, question),
        end: () => (child.off('exit', died), end(child)),
      });
    });
  });
}

/** Starts a program that answers questions; what it prints is why it failed, if it does. */
export function startHelper(command: readonly string[]): Helper {
  const child = start(command, process.env, true);
  let printed = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (printed += text));
  child.on('error', () => undefined);
  return {
    pid: child.pid ?? 0,
    ask: (question) => ask(child, question, () => printed.trim()),
    end: () => end(child),
  };
}

function ask(child: ChildProcess, question: object, said = (): string => ''): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const over = (action: () => void): void => {
      clearTimeout(timer);
      child.off('message', answered);
      child.off('close', closed);
      action();
    };
    const fail = (why: string): void => over(() => reject(new Error(why)));
    const answered = (answer: unknown): void => over(() => resolve(answer));
    const closed = (): void => fail(said() || `process ${child.pid} ended unasked`);
    const timer = setTimeout(() => fail(`no answer within ${ANSWER_MS} ms`), ANSWER_MS);
    child.on('message', answered);
    child.on('close', closed);
    child.send(question, (error) => error && closed());
  });
}

/** Runs a command to its end and returns its stdout, whatever its exit code; stopped after `limit_ms`. */
export function runToEnd(command: readonly string[], limit_ms: number): Promise<string> {
  const child = start(command, process.env);
  return new Promise((resolve, reject) => {
    let printed = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`not done after ${limit_ms} ms`));
    }, limit_ms);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (printed += text));
    child.once('error', reject);
    child.once('close', () => {
      clearTimeout(timer);
      resolve(printed);
    });
  });
}

function start(command: readonly string[], env: NodeJS.ProcessEnv, asked = false): ChildProcess {
  guard();
  const [file = '', ...args] = command;
  const child = spawn(file, args, {
    env,
    stdio: ['ignore', 'pipe', 'inherit', ...(asked ? ['ipc' as const] : [])],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}

/** Every way out of this process but SIGKILL passes 'exit', where only synchronous work is done. */
function guard(): void {
  if (guarded) return;
  guarded = true;
  process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
  process.once('SIGINT', () => process.exit(130)); // 128 + the signal's number, as shells have it
  process.once('SIGTERM', () => process.exit(143));
  process.once('SIGHUP', () => process.exit(129));
}
