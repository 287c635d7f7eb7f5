// Steps of a vector that join, publish and broadcast, in words → calls of the driver.

import { Opcode, PublishRecord, SEND_PLAIN } from '../../build/limpet.abi.js';
import { errorName, type Driver } from './driver.js';
import { selectRecord } from './others.js';
import { opcodeOf, payloadOf } from './payload.js';

/** The names of a vector's sessions. */
export interface Names {
  handle(name: string): number;
  name(handle: number): string | undefined;
}

/** `[placed] [plain] OPCODE PAYLOAD` → kind, address, length; `placed` puts it where limpet_publish_room says. */
function message(driver: Driver, rest: string): [number, number, number] {
  const [, placed, plain, name = '', words = ''] =
    /^(placed )?(plain )?(\S+)\s*(.*)$/.exec(rest) ?? [];
  const kind = (opcodeOf(name) ?? Opcode.TEXT) | (plain ? SEND_PLAIN : 0);
  const payload = payloadOf(words);
  const at = placed ? driver.core.limpet_publish_room(payload.length) : driver.ingress;
  if (at < 0) throw new Error(`limpet_publish_room: ${errorName(at)}`);
  driver.write(at, payload);
  return [kind, at, payload.length];
}

/** `[plain] OPCODE PAYLOAD` → what limpet_prepare answers. */
export function prepare(driver: Driver, rest: string): number {
  return driver.core.limpet_prepare(...message(driver, rest));
}

/** `"topic" [except=NAME] MESSAGE` */
export function publish(driver: Driver, names: Names, rest: string): string {
  const [, name = '', except, words = ''] =
    /^("(?:[^"\\]|\\.)*") (?:except=(\w+) )?(.*)$/.exec(rest) ?? [];
  const handle = except === undefined ? 0 : names.handle(except);
  const [ptr = 0, length = 0] = driver.pass(payloadOf(name));
  return told(driver, driver.core.limpet_publish(ptr, length, ...message(driver, words), handle));
}

/** `[FIELD=VALUE …] MESSAGE`, the fields those of SelectRecord. */
export function broadcast(driver: Driver, names: Names, rest: string): string {
  const { at, left } = selected(driver, names, rest);
  return told(driver, driver.core.limpet_broadcast(at, ...message(driver, left)));
}

/** `[FIELD=VALUE …]` → the names of the sessions that it names. */
export function select(driver: Driver, names: Names, rest: string): string {
  const { at } = selected(driver, names, rest);
  const found: string[] = [];
  for (let handle = 0; (handle = driver.core.limpet_select(at, handle)) > 0;) {
    found.push(names.name(handle) ?? String(handle));
  }
  // In the order of their slots, which is another one from vector to vector.
  return `select ${found.sort().join(' ')}`.trimEnd();
}

/** `"topic"` → the names of the sessions that a message to it reaches. */
export function reaches(driver: Driver, names: Names, rest: string): string {
  const topic = payloadOf(rest);
  const found: string[] = [];
  let handle = 0;
  do {
    const [at = 0] = driver.pass(topic);
    handle = driver.core.limpet_topic_next(at, topic.length, handle);
    if (handle < 0) return `= ${errorName(handle)}`;
    if (handle > 0) found.push(names.name(handle) ?? String(handle));
  } while (handle > 0);
  return `reaches ${found.sort().join(' ')}`.trimEnd();
}

/** Puts the SelectRecord that the first words make into the scratch region; 0 without any. */
function selected(driver: Driver, names: Names, rest: string): { at: number; left: string } {
  const words = rest.split(' ');
  const count = words.findIndex((word) => !/^\w+=/.test(word));
  const fields = count < 0 ? words : words.slice(0, count);
  const left = rest.slice(fields.join(' ').length).trimStart();
  if (fields.length === 0 || rest === '') return { at: 0, left };
  const record = selectRecord(fields, (name) => names.handle(name), driver.scratch);
  const [at = 0] = driver.pass(record);
  return { at, left };
}

/** A PublishRecord, or an ErrorCode, as a line. */
function told(driver: Driver, record: number): string {
  if (record < 0) return `= ${errorName(record)}`;
  const words = [`= ${driver.u32(record + PublishRecord.delivered)} delivered`];
  for (const name of ['over', 'dropped'] as const) {
    const n = driver.u32(record + PublishRecord[name]);
    if (n) words.push(`${n} ${name}`);
  }
  if (driver.u32(record + PublishRecord.flush)) words.push('flush');
  return words.join(', ');
}
