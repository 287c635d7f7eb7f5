// A vector, a core and a cutting → the log of what happened.

import { Option as OptionTable, Sent, StatsRecordTypes } from '../../build/limpet.abi.js';
import { createHash } from 'node:crypto';
import { addressSet, trustOf } from './address.js';
import { cutUp, type Cutting } from './cuts.js';
import { Driver, errorName, EventKind, nameOf, Role, type CoreEvent } from './driver.js';
import { inputOf, payloadOf } from './payload.js';
import { eventsShown, hex, outputShown } from './show.js';
import { optionValue } from './options.js';
import { Others } from './others.js';
import { broadcast, prepare, publish, reaches, select } from './publishing.js';
import type { Names } from './publishing.js';
import { subscribe, unsubscribe } from './rooms.js';
import {
  accept,
  allow,
  Heartbeats,
  hog,
  leaveWindows,
  look,
  respond,
  send,
  strings,
} from './steps.js';
import type { Stage, Vector } from './vector.js';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Runs a vector on a driver, which is left without sessions. */
export function runVector(vector: Vector, driver: Driver, cutting: Cutting): string[] {
  return new VectorRun(vector, driver, cutting).run();
}

/** Bytes of all inputs of a vector together. */
export function inputLength(vector: Vector): number {
  const none = new Heartbeats();
  return vector.stages.reduce((sum, stage) => sum + inputBytes(stage, vector, '', none).length, 0);
}

function inputBytes(stage: Stage, vector: Vector, accept: string, heartbeats: Heartbeats): Buffer {
  if (stage.kind === 'do') return Buffer.alloc(0);
  if (stage.kind === 'in') {
    return Buffer.concat(
      stage.lines.map((line) => inputOf(heartbeats.filled(line), !vector.client)),
    );
  }
  const head = stage.lines
    .join('\r\n')
    .replace('{accept}', accept || 'x'.repeat(28))
    .replaceAll('␠', ' ');
  return Buffer.from(`${head}\r\n\r\n`, 'latin1');
}

class VectorRun {
  #handle = 0;
  readonly #hogs: number[] = [];
  readonly #log: string[] = [];
  /** Input that the session did not take yet. */
  #left: Uint8Array = Buffer.alloc(0);
  /** Where in all input the next stage begins. */
  #fed = 0;
  #events: CoreEvent[] = [];
  /** Events that are not acknowledged. */
  readonly #kept: CoreEvent[] = [];
  /** Output that is not a whole frame or head yet. */
  #wire = Buffer.alloc(0);
  #http: boolean;
  #key = '';
  #ended = '';
  /** The counters of the module as they were. */
  readonly #counters = new Map<string, number>();
  readonly #defaults: [OptionTable, number][] = [];
  readonly #heartbeats = new Heartbeats();
  readonly #others: Others;
  /** The numbers of prepared messages, by their names. */
  readonly #prepared = new Map<string, number>();
  /** What broke a rule, as the last ERROR event says. */
  #by = 0;
  /** The vector's own session is called `a`. */
  readonly #names: Names = {
    handle: (name) => (name === 'a' ? this.#handle : this.#others.handle(name)),
    name: (handle) => (handle === this.#handle ? 'a' : this.#others.name(handle)),
  };

  constructor(
    readonly vector: Vector,
    readonly driver: Driver,
    readonly cutting: Cutting,
  ) {
    this.#http = vector.session !== 'attach';
    driver.flush = cutting.flush;
    this.#others = new Others(driver);
  }

  run(): string[] {
    const { vector } = this;
    try {
      this.#begin();
      vector.stages.forEach((stage, index) => {
        if (stage.kind === 'do') this.#step(stage.line);
        else this.#input(inputBytes(stage, vector, this.#accept(), this.#heartbeats));
        // Input that follows input is one stream: what came of it is told together.
        const next = vector.stages[index + 1];
        if (stage.kind === 'do' || next?.kind === 'do' || !next) this.#tell();
      });
    } finally {
      this.#clear();
    }
    return this.#log;
  }

  #begin(): void {
    const { driver, vector } = this;
    driver.now += 1;
    for (const name of Object.keys(StatsRecordTypes))
      this.#counters.set(name, driver.counter(name));
    if (vector.client) driver.seed();
    for (const [name, value] of vector.defaults) this.#option(0, name, value);
    allow(driver, vector.lists);
    if (vector.windows !== undefined) this.#hogs.push(...leaveWindows(driver, vector.windows));
    if (vector.keep) this.#answer(driver.keep(vector.keep));
    for (const other of vector.others) {
      const handle = driver.open();
      addressSet(driver, handle, other);
      this.#hogs.push(handle);
    }
    const { target = '/chat', host = 'server.example.com', protocols, headers } = vector.strings;
    this.#handle =
      vector.session === 'open'
        ? driver.open()
        : vector.session === 'connect'
          ? driver.connect(target, host, protocols, headers)
          : driver.attach(vector.client ? Role.CLIENT : Role.SERVER, vector.agreed);
    if (this.#handle < 0) {
      this.#log.push(`= ${errorName(this.#handle)}`);
      return;
    }
    if (vector.peer !== undefined)
      this.#answer(addressSet(driver, this.#handle, vector.peer, trustOf(vector.trust)));
    for (const [name, value] of vector.options) this.#option(this.#handle, name, value);
    this.#tell();
  }

  #input(bytes: Buffer): void {
    for (const piece of cutUp(bytes, this.#fed, this.cutting)) {
      this.#left = Buffer.concat([this.#left, piece]);
      this.#feed();
    }
    this.#fed += bytes.length;
  }

  /** Offers what is left; events are taken between, unless the vector keeps them. */
  #feed(): void {
    const { driver, vector } = this;
    if (this.#handle <= 0 || driver.core.limpet_rx_room(this.#handle) < 0) return;
    if (!vector.manualEvents) {
      const { events, left } = driver.feed(this.#handle, this.#left);
      this.#see(events);
      this.#left = left;
      return;
    }
    while (true) {
      const taken = driver.rx(this.#handle, this.#left);
      this.#left = this.#left.subarray(Math.max(taken, 0));
      // They point into the ingress region, where the next piece will be put.
      this.#kept.push(...driver.peek().slice(this.#kept.length));
      if (taken <= 0 || this.#left.length === 0) return;
    }
  }

  /** Writes down what came of a stage: events first, then output. */
  #tell(): void {
    const { driver, vector } = this;
    if (!vector.manualEvents) this.#see(driver.events());
    this.#note(eventsShown(this.#events));
    this.#events = [];
    if (!vector.manualTx) this.#write();
    this.#log.push(...this.#others.tell(!vector.manualTx));
    if (!vector.manualTx && this.#left.length) this.#feed();
  }

  #see(events: CoreEvent[]): void {
    this.#events.push(...events.filter(({ session }) => session === this.#handle));
    this.#others.see(events);
    for (const { kind, remaining } of events) if (kind === EventKind.ERROR) this.#by = remaining;
  }

  /** Writes output, all of it or some bytes, and shows what is whole of it. */
  #write(most = Infinity): void {
    const { driver } = this;
    if (this.#handle <= 0 || driver.core.limpet_rx_room(this.#handle) < 0) return;
    if (most === Infinity) {
      const { bytes, end, abort } = driver.drain(this.#handle);
      this.#show(bytes);
      const ended = abort ? 'abort' : end ? 'end' : '';
      if (ended && ended !== this.#ended) this.#log.push(ended);
      this.#ended = ended;
      return;
    }
    const all = driver
      .output(this.#handle)
      .pieces.map(({ bytes, length }) => bytes ?? Buffer.alloc(length, 'e'));
    const answer = driver.core.limpet_tx_ack(this.#handle, most);
    if (answer < 0) this.#log.push(`= ${errorName(answer)}`);
    else this.#show(Buffer.concat(all).subarray(0, most), false);
  }

  #show(bytes: Buffer, last = true): void {
    this.#wire = Buffer.concat([this.#wire, bytes]);
    if (!last || this.#wire.length === 0) return;
    this.#key ||= /Sec-WebSocket-Key: (.{24})\r\n/.exec(this.#wire.toString('latin1'))?.[1] ?? '';
    const hide: [string, string][] = this.vector.client ? [[this.#key, '{key}']] : [];
    this.#note(outputShown(this.#wire, this.#http, hide));
    this.#http = false;
    this.#wire = Buffer.alloc(0);
  }

  #note(lines: string[]): void {
    this.#log.push(...lines.map((line) => this.#heartbeats.shown(line, this.driver.now)));
  }

  #accept(): string {
    return createHash('sha1')
      .update(this.#key + GUID)
      .digest('base64');
  }

  #option(handle: number, name: string, value: string): void {
    const option = (OptionTable as Record<string, OptionTable>)[name.toUpperCase()];
    if (option === undefined) throw new Error(`no option ${name}`);
    if (handle === 0) this.#defaults.push([option, this.driver.option(0, option)]);
    this.#answer(this.driver.setOption(handle, option, optionValue(name, value)));
  }

  /** Writes down an answer that is not "done". */
  #answer(answer: number, words: Record<string, number> = {}): void {
    if (answer < 0) this.#log.push(`= ${errorName(answer)}`);
    else if (answer > 0) this.#log.push(`= ${nameOf(words, answer)}`);
  }

  // --------------------------------------------------------------------- steps

  /** `[NAME: ]step`: of another session, whose name then stands before what it answers. */
  #step(line: string): void {
    const [, name = 'a', step = ''] = /^(?:(\w+): )?(.*)$/.exec(line) ?? [];
    const before = this.#log.length;
    this.#stepOf(name, step);
    if (name === 'a') return;
    const lines = this.#log.splice(before);
    this.#log.push(...lines.map((answer) => `${name}: ${answer}`));
  }

  #stepOf(name: string, step: string): void {
    const [, word = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(step) ?? [];
    const { driver } = this;
    const { core } = driver;
    const handle = this.#names.handle(name);
    const number = Number.parseInt(rest, 10);
    switch (word) {
      case 'tick':
        driver.tick(number);
        break;
      case 'next':
        this.#log.push(`next ${driver.tick(0)}`);
        break;
      case 'eof':
        this.#answer(driver.eof(handle));
        break;
      case 'shutdown': {
        const [timeout_ms = 0, code] = rest.split(' ').map(Number);
        this.#answer(driver.shutdown(timeout_ms, code));
        break;
      }
      case 'terminate':
        this.#answer(core.limpet_terminate(handle));
        break;
      case 'close': {
        const [, code = '0', reason = ''] = /^(\d+)?\s*(.*)$/.exec(rest) ?? [];
        const [ptr = 0, length = 0] = driver.pass(payloadOf(reason));
        this.#answer(core.limpet_close(handle, Number(code), ptr, length));
        break;
      }
      case 'send':
      case 'begin':
      case 'many':
      case 'external':
        this.#answer(send(driver, handle, word, rest), Sent);
        break;
      case 'accept': {
        const answer = accept(driver, handle, rest);
        this.#answer(answer);
        if (answer === 0) this.#feed();
        break;
      }
      case 'respond':
        this.#answer(respond(driver, handle, rest));
        break;
      case 'option':
      case 'default': {
        const [name = '', value = ''] = rest.split('=');
        this.#option(word === 'default' ? 0 : handle, name, value);
        break;
      }
      case 'keep':
        this.#answer(driver.keep(payloadOf(rest).toString('latin1')));
        break;
      case 'allow':
        driver.core.limpet_security_clear();
        allow(driver, strings(rest));
        break;
      case 'hog':
        this.#hogs.push(hog(driver, rest === '' ? Infinity : number));
        break;
      case 'unhog':
        for (const hog of this.#hogs.splice(0)) driver.eof(hog);
        break;
      case 'tx':
        this.#writeOf(name, rest);
        break;
      case 'also':
        this.#answer(this.#others.attach(rest));
        break;
      case 'joins':
        this.#answer(Math.min(subscribe(driver, handle, payloadOf(rest)), 0));
        break;
      case 'leaves':
        this.#answer(Math.min(unsubscribe(driver, handle, payloadOf(rest)), 0));
        break;
      case 'prepare': {
        const [, message = '', words = ''] = /^(\w+) (.*)$/.exec(rest) ?? [];
        const answer = prepare(driver, words);
        this.#prepared.set(message, answer);
        this.#answer(Math.min(answer, 0));
        break;
      }
      case 'prepared':
        this.#answer(core.limpet_send_prepared(handle, this.#prepared.get(rest) ?? 0), Sent);
        break;
      case 'free':
        this.#answer(core.limpet_prepared_free(this.#prepared.get(rest) ?? 0));
        break;
      case 'mask':
        this.#answer(core.limpet_masking_key(handle, payloadOf(rest).readInt32LE()));
        break;
      case 'by':
        this.#log.push(`by ${this.#by.toString(16).padStart(4, '0')}`);
        break;
      case 'publish':
        this.#log.push(publish(driver, this.#names, rest));
        break;
      case 'broadcast':
        this.#log.push(broadcast(driver, this.#names, rest));
        break;
      case 'select':
        this.#log.push(select(driver, this.#names, rest));
        break;
      case 'reaches':
        this.#log.push(reaches(driver, this.#names, rest));
        break;
      case 'ack': {
        const kept = this.#kept.splice(0);
        this.#see([...kept, ...driver.peek().slice(kept.length)]);
        driver.events();
        break;
      }
      case 'go':
        this.#feed();
        break;
      case 'count':
        for (const name of rest.split(' ')) {
          const since = driver.counter(name) - (this.#counters.get(name) ?? 0);
          this.#log.push(`count ${name} ${since}`);
        }
        break;
      case 'left':
        this.#log.push(`left ${this.#left.length}`);
        break;
      default:
        this.#log.push(...look(driver, handle, word, rest));
    }
    if (this.#left.length) this.#feed();
  }

  /** `tx`, `tx n`, or `tx bytewise`: all of it in pieces of one byte. */
  #writeOf(name: string, rest: string): void {
    const { driver } = this;
    const most = rest === '' ? Infinity : Number.parseInt(rest, 10);
    const write = (n?: number) => {
      if (name === 'a') this.#write(n);
      else this.#log.push(...this.#others.write(name, n));
    };
    if (rest !== 'bytewise') return write(most);
    while (driver.info(this.#names.handle(name))?.queued) write(1);
    write();
  }

  /** Ends all sessions; nothing may be left of them. */
  #clear(): void {
    const { driver, vector } = this;
    driver.events();
    for (const handle of [this.#handle, ...this.#hogs]) driver.eof(handle);
    this.#others.clear();
    while (driver.peek().length) driver.events();
    for (const [option, value] of this.#defaults.reverse()) driver.setOption(0, option, value);
    driver.keep('');
    if (vector.needs.includes('security')) driver.core.limpet_security_clear();
    driver.check('the end of the vector');
    const { active, arenaUsed } = driver.stats();
    const { used } = driver.metaStats();
    for (const number of this.#prepared.values()) {
      if (driver.core.limpet_prepared_free(number) === 0) this.#log.push('a message was not freed');
    }
    if (active || arenaUsed || used || driver.core.limpet_tx_next()) {
      this.#log.push(`leaked: ${active} sessions, ${arenaUsed} bytes, ${used} entries of metadata`);
    }
    if (this.#wire.length) this.#log.push(`tx cut ${hex(this.#wire)}`);
  }
}
