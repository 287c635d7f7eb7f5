// limpetd, or another program of host/native → a child process, its address, and its figures.

import { readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { Child, type Exit } from '../../host/support/child.js';
import { Peer, type Answer } from '../../host/support/peer.js';
import { requestBytes } from '../../conformance/http.js';
import { built, type Kind } from './build.js';

export interface Served {
  child: Child;
  port: number;
}

/** Starts limpetd of this kind on a free port, and waits for its address. */
export async function limpetd(t: TestContext, kind: Kind, ...args: string[]): Promise<Served> {
  return served(t, `${await built(kind)}/limpetd`, '--port', '0', ...args);
}

/** Starts any program that prints its address. */
export async function served(t: TestContext, program: string, ...args: string[]): Promise<Served> {
  const child = new Child(t, args, program);
  return { child, port: await child.port() };
}

/** Runs limpetd to its end. */
export async function ran(t: TestContext, kind: Kind, ...args: string[]): Promise<Exit> {
  return new Child(t, args, `${await built(kind)}/limpetd`).ended(20_000);
}

/** An HTTP answer, its body as text. */
export type Got = Omit<Answer, 'body'> & { body: string };

/** What is at a path. */
export async function get(port: number, path: string, method = 'GET'): Promise<Got> {
  const peer = await Peer.connect(port);
  try {
    peer.write(requestBytes(`${method} ${path} HTTP/1.1`, ['Host: x']));
    const answer = await peer.answer(method);
    return { ...answer, body: answer.body.toString() };
  } finally {
    peer.transport.destroy();
  }
}

/** A figure of /metrics: `name` as it stands there, without `limpet_`. */
export async function figure(port: number, name: string): Promise<number> {
  const { body } = await get(port, '/metrics');
  const line = body.split('\n').find((text) => text.startsWith(`limpet_${name} `));
  if (line === undefined) throw new Error(`no limpet_${name}: ${body}`);
  return Number(line.slice(line.lastIndexOf(' ')));
}

/** Bytes of a process that are in memory. proc(5), VmRSS. */
export function residentBytes(pid: number): number {
  const [, kilobytes] =
    /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}
