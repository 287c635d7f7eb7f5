// A seed and a core → a life of several sessions at once, every call of which is watched.
//
// Most steps do what a host does; some do what none should: stale handles, pointers out of memory,
// calls in the wrong state. All of it must be answered, and the module stay sound.

import {
  Opcode,
  Option,
  PublishRecord,
  Role,
  SEND_MORE,
  SEND_PLAIN,
  Sent,
  SessionInfo,
  State,
  Trust,
} from '../../build/limpet.abi.js';
import { addressSet, addressShown } from '../support/address.js';
import { Direction } from './deflate.js';
import { Driver, ErrorCode } from '../support/driver.js';
import { subscribe, subscribed, unsubscribe } from '../support/rooms.js';
import { misuse } from './misuse.js';
import { Peer, SECRET } from './peer.js';
import { Fault, Watch } from './watch.js';
import { keepSome, requestOf } from './metadata.js';
import { PreparedMessages } from './prepared.js';
import { ADDRESSES, proxyHeader } from './proxy.js';
import { checkReach, reached as reachedBy, selection } from './reach.js';
import type { Random } from './random.js';

export class World {
  readonly driver: Driver;
  readonly sessions: Watch[] = [];
  /** Handles that are stale. */
  readonly gone: number[] = [];
  readonly #prepared = new PreparedMessages(this);
  /** Whether limpet_shutdown was called. */
  #shutdown = false;
  /** How many events of the ring were looked at. */
  #seen = 0;
  readonly #often: number;
  /** How rarely events are acknowledged, and output written: some hosts are slow. */
  readonly #lazy: number;
  readonly #slow: number;
  /** Whether sessions may use permessage-deflate. */
  readonly #deflates: boolean;
  /** Whether what comes has to be UTF-8. */
  #judged = true;
  /** Whether rates are limited. */
  readonly #rated: boolean;
  /** Whether what is past them may be dropped: else each message has to come. */
  readonly #drops: boolean;

  constructor(
    path: string,
    readonly random: Random,
  ) {
    this.driver = new Driver(path);
    this.driver.trace = [];
    // The check walks over the arena: 32 MiB of it are looked at now and then only.
    this.#often = path.includes('server') ? 20 : 1;
    this.driver.checks = this.#often === 1;
    this.#lazy = random.pick([2, 3, 3, 30, 200]);
    this.#slow = random.pick([1, 1, 2, 8]);
    this.driver.now = random.once(3) ? random.below(0x7fffffff) : random.below(100_000);
    this.driver.seed(random.bytes(32));
    this.#deflates = !random.once(4) && this.driver.setOption(0, Option.DEFLATE, 1) === 0;
    this.#deflateOptions();
    if (random.once(3)) this.#lists();
    this.#rated = random.once(3) && this.driver.setOption(0, Option.RATE_MESSAGES, 0) === 0;
    this.#drops = this.#rated && random.once(2);
    this.#rateOptions();
    this.driver.setOption(0, Option.BATCH, random.below(4));
    if (random.once(4)) this.#judged = this.driver.setOption(0, Option.UTF8, 0) !== 0;
    keepSome(this);
  }

  /** Words on the lists of origins, subprotocols and tokens; now and then none. */
  #lists(): void {
    const { driver, random } = this;
    const { core } = driver;
    if (random.once(3)) core.limpet_security_clear();
    driver.setOption(0, Option.TOKEN_SOURCES, random.below(8));
    const add = {
      limpet_origin_add: ['https://a.example', 'https://*.b.example', '*', 'null', '', 'a b'],
      limpet_protocol_add: ['chat', 'superchat', '', 'a b'],
      limpet_token_add: ['secret', 's/e=', 'a b'],
    } as const;
    for (const name of Object.keys(add) as (keyof typeof add)[]) {
      const [ptr = 0, length = 0] = driver.pass(random.pick<string>([...add[name]]));
      if (random.once(2)) core[name](ptr, length);
    }
    if (random.once(5)) core.limpet_token_add_digest(driver.scratch);
  }

  /** One thing that happens. */
  step(): void {
    const { random } = this;
    const session = this.sessions.length ? random.pick(this.sessions) : undefined;
    const choice = random.below(100);
    if (!session || (choice < 6 && this.sessions.length < 6)) this.#begin();
    else if (choice < 50) this.#receive(session);
    else if (choice < 67) this.#send(session);
    else if (choice < 69) this.#sendMany();
    else if (choice < 70) for (let i = random.below(4); i >= 0; i--) this.#prepared.step();
    else if (choice < 74) this.#publish(session);
    else if (choice < 84) this.#write(session);
    else if (choice < 88)
      this.driver.tick(random.once(10) ? random.below(20_000) : random.below(50));
    else if (choice < 89) this.#option(session);
    else if (choice < 90) this.#rooms(session);
    else if (choice < 91 && random.once(3)) checkReach(this);
    else if (choice < 91 && random.once(4)) this.#rateOptions();
    else if (choice < 91 && random.once(4)) this.#lists();
    else if (choice < 91) this.#end(session);
    else if (choice < 94) misuse(this);
    else if (choice < 96) session.known.step(this.driver, random);
    else this.#acknowledge(random.below(this.#seen + 1));
    this.#look();
    if (random.once(this.#lazy) || this.#seen > 60) this.#acknowledge(this.#seen);
    if (this.#often > 1 && random.once(this.#often)) this.driver.check('the last calls');
  }

  /** Ends everything: nothing may be left. */
  finish(): void {
    const { driver } = this;
    for (const { handle } of this.sessions) driver.eof(handle);
    this.#prepared.finish();
    this.#look();
    while (this.#seen) {
      this.#acknowledge(this.#seen);
      this.#look();
    }
    driver.check('the end');
    const { active, arenaUsed } = driver.stats();
    const { used } = driver.metaStats();
    if (active || arenaUsed || used)
      throw new Fault(`left over: ${active} sessions, ${arenaUsed} bytes, ${used} entries`);
    if (driver.core.limpet_room_next(0) > 0) throw new Fault('a room is left over');
    if (driver.core.limpet_tx_next() || driver.core.limpet_session_next(0) > 0)
      throw new Fault('a session is listed');
    if (driver.tick(100_000) !== -1) throw new Fault('a timer without a session');
  }

  #begin(): void {
    const { driver, random } = this;
    const client = random.once(2);
    const http = random.once(2);
    const agreed = this.#deflates && !random.once(4) ? this.#agreed() : 0;
    const handle = http
      ? client
        ? driver.connect(
            '/chat',
            'a',
            random.once(2) ? 'chat, superchat' : '',
            random.once(3) ? 'X: y\r\n' : '',
          )
        : driver.open()
      : driver.attach(client ? Role.CLIENT : Role.SERVER, agreed);
    if (this.#shutdown && handle > 0) throw new Fault('a session begins after the shutdown');
    if (handle < 0) return;
    if (this.gone.includes(handle) || this.sessions.some((other) => other.handle === handle)) {
      throw new Fault(`handle ${handle} is in use, or was`);
    }
    let limit = driver.option(handle, Option.MESSAGE_MAX);
    if (limit === ErrorCode.UNSUPPORTED) {
      limit = 1000;
      driver.setOption(handle, Option.MESSAGE_MAX, limit);
    }
    const lengthMax = random.once(10) ? 70_000 : Math.min(driver.ingressBytes * 5, 70_000, limit);
    const session = new Watch(handle, client, http, new Peer(random, !client, lengthMax));
    session.limit = limit;
    session.drops = this.#drops;
    session.judged = this.#judged;
    session.user = Math.max(driver.option(handle, Option.USER), 0);
    this.sessions.push(session);
    if (!http) {
      session.peer.packs = Direction.of(agreed & 0xff);
      session.unpacks = Direction.of(agreed >> 8);
    }
    if (random.once(2)) this.#option(session);
    if (!client && random.once(2)) this.#address(session);
    if (http && !client) session.peer.head(undefined);
  }

  /** Tells where a session's peer is; one that is trusted says of that what it likes. */
  #address(session: Watch): void {
    const { driver, random } = this;
    const { peer, handle } = session;
    if (random.once(4)) driver.setOption(0, Option.ADDRESS_SESSIONS, random.below(4));
    const trust = random.pick([0, 0, 1, 2, 3, 4, 5, 7]);
    const own = random.pick(ADDRESSES);
    const answer = addressSet(driver, handle, own, trust);
    if (answer === ErrorCode.UNSUPPORTED) return;
    if (answer !== 0 && answer !== ErrorCode.ADDRESSES)
      throw new Fault(`limpet_address_set is ${answer}`);
    session.address = own;
    if (driver.info(handle)?.state !== State.HANDSHAKE) return;
    const proxies = (trust & (Trust.PROXY | Trust.PROXY_REQUIRED)) !== 0;
    if (proxies && (trust & Trust.PROXY_REQUIRED || random.once(2))) {
      const { bytes, address } = proxyHeader(random);
      peer.proxied(bytes);
      if (address !== undefined) session.address = `${address} forwarded`;
    }
    if (random.once(2)) {
      const last = random.pick([...ADDRESSES, 'unknown', '']);
      peer.forwarded = `${random.pick(['', '203.0.113.1, ', ', ,'])}${last}`;
      if (trust & Trust.FORWARDED && ADDRESSES.includes(last))
        session.address = `${last} forwarded`;
    }
  }

  /** Behind a head the core knows where the peer is, whatever lay in front. */
  #checkAddress({ peer, handle, address }: Watch): void {
    if (address === undefined || !peer.honest) return;
    const shown = String(addressShown(this.driver, handle));
    if (!shown.startsWith(`${address}, `))
      throw new Fault(`the peer is at ${address}, not ${shown}`);
  }

  /** What limpet_attach may be told: in, out; windows that come and are kept are those of the smallest profile. */
  #agreed(): number {
    const { random } = this;
    const keeps = random.once(2);
    const comes = keeps ? 0x18 | random.below(2) : 8 + random.below(8);
    return comes | ((8 + random.below(8)) << 8) | (random.once(2) ? 0x1000 : 0);
  }

  /** Settings of permessage-deflate: for sessions to come, or for messages. */
  #deflateOptions(): void {
    const { driver, random } = this;
    if (!this.#deflates) return;
    driver.setOption(0, Option.DEFLATE_LEVEL, random.below(10));
    driver.setOption(0, Option.DEFLATE_THRESHOLD, random.pick([0, 0, 1, 64, 1000]));
    driver.setOption(0, Option.DEFLATE_WINDOW, 8 + random.below(8));
    driver.setOption(0, Option.DEFLATE_WINDOW_IN, random.once(2) ? 0 : 8 + random.below(8));
    driver.setOption(0, Option.DEFLATE_TAKEOVER, random.below(4));
  }

  /** Joins and leaves rooms, of any topics, patterns and what is none. */
  #rooms({ handle }: Watch): void {
    const { driver, random } = this;
    const levels = ['a', 'a', 'b', '', '+', '+', '#', '$', 'a level of some length', '\0'];
    // Now and then as many as there are records.
    const most = random.once(8) ? 60 : 6;
    for (let i = random.below(most); i >= 0; i--) {
      const topic = Array.from({ length: 1 + random.below(4) }, () => random.pick(levels));
      const change = random.once(3) ? unsubscribe : subscribe;
      const joins = change === subscribe;
      const answer = change(driver, handle, topic.join('/'));
      const is = subscribed(driver, handle, topic.join('/'));
      if (answer >= 0 && is !== Number(joins)) {
        throw new Fault(`${topic.join('/')}: ${joins ? 'joined' : 'left'}, but ${is}`);
      }
    }
  }

  /** Rates: those of all of them are set, and waits end, at any time. */
  #rateOptions(): void {
    const { driver, random } = this;
    if (!this.#rated) return;
    driver.setOption(0, Option.RATE_WINDOW_MS, random.pick([1, 100, 1000, 0x7fffffff]));
    driver.setOption(0, Option.RATE_MESSAGES, random.pick([0, 1, 3, 50]));
    driver.setOption(0, Option.RATE_BYTES, random.pick([0, 0, 100, 5000, 0x7fffffff]));
    driver.setOption(0, Option.RATE_ALL_MESSAGES, random.pick([0, 0, 5, 100]));
    driver.setOption(0, Option.RATE_ALL_BYTES, random.pick([0, 0, 0, 10_000]));
    driver.setOption(0, Option.RATE_POLICY, this.#drops ? 0 : random.pick([1, 1, 1, 2]));
  }

  #receive(session: Watch): void {
    const { driver, random } = this;
    const { peer, handle } = session;
    const state = driver.info(handle)?.state;
    if (state === State.PENDING) this.#checkAddress(session);
    if (state === State.PENDING && random.once(2)) return this.#decide(session);
    if (state !== undefined && state >= State.ENDING && random.once(3))
      return void driver.eof(handle);
    if (session.client && state === State.HANDSHAKE) {
      if (peer.pending.length === 0 && session.key !== undefined)
        session.unpacks = peer.head(session.key, session.offer);
    } else if (state !== undefined && state >= State.PENDING) peer.frames();
    driver.flush = random.once(2);
    const cut = random.once(3) ? random.below(8) : random.below(peer.pending.length + 1);
    const bytes = random.once(3) ? peer.pending : peer.pending.subarray(0, cut);
    const taken = driver.rx(handle, bytes);
    if (taken < 0 || taken > bytes.length)
      throw new Fault(`limpet_rx took ${taken} of ${bytes.length}`);
    peer.take(taken);
  }

  #send(session: Watch): void {
    const { driver, random } = this;
    const { core } = driver;
    const { handle, client } = session;
    const opcode = random.pick([0, 1, 1, 2, 2, 9, 10]);
    const data = opcode < Opcode.CLOSE;
    const fin = !data || !random.once(4);
    const plain = data && random.once(6);
    const kind = opcode | (fin ? 0 : SEND_MORE) | (plain ? SEND_PLAIN : 0);
    const length = random.length(data ? driver.ingressBytes : 130);
    const queued = (answer: number, payload: Buffer) => {
      const taken: number[] = [Sent.OK, Sent.BACKPRESSURE];
      if (data && taken.includes(answer)) session.queued({ opcode, fin, plain, payload });
    };
    if (random.once(5) && !client) {
      const bytes = random.length(100_000);
      queued(core.limpet_send_external(handle, kind, bytes), Buffer.alloc(bytes, 0x65));
      return;
    }
    if (random.once(3)) {
      const at = core.limpet_send_begin(handle, kind, length);
      if (at <= 0) return;
      const payload = random.once(2) ? Buffer.alloc(length, 0x62) : random.bytes(length);
      driver.write(at, payload);
      queued(core.limpet_send_end(handle), payload);
      return;
    }
    // Whatever lies there is sent.
    const ptr = length <= driver.scratchBytes && random.once(2) ? driver.scratch : driver.ingress;
    const payload = driver.copy(ptr, length);
    queued(core.limpet_send(handle, kind, ptr, length), payload);
  }

  /** One message for several sessions, and for one that there is not. */
  #sendMany(): void {
    const { driver, random, sessions } = this;
    if (random.once(4)) this.#deflateOptions();
    const most = driver.stats().sessions - 1;
    const chosen = sessions.filter(() => random.once(2)).slice(0, most);
    const list = Buffer.alloc(4 * chosen.length + 4);
    [...chosen.map(({ handle }) => handle), 0x7fff0000].forEach((handle, i) => {
      list.writeInt32LE(handle, 4 * i);
    });
    driver.write(driver.scratch, list);
    const opcode = random.pick([Opcode.TEXT, Opcode.BINARY]);
    const plain = random.once(6);
    const longest = Math.min(driver.ingressBytes, driver.core.limpet_send_max());
    const payload = driver.copy(driver.ingress, random.length(longest));
    const kind = opcode | (plain ? SEND_PLAIN : 0);
    const { core, ingress, scratch } = driver;
    const count = chosen.length + 1;
    const done = core.limpet_send_many(scratch, count, kind, ingress, payload.length);
    if (done === ErrorCode.UNSUPPORTED) return;
    if (done !== 0) throw new Fault(`limpet_send_many is ${done}`);
    const answers = driver.copy(scratch, list.length);
    if (answers.readInt32LE(list.length - 4) !== ErrorCode.HANDLE) throw new Fault('no HANDLE');
    chosen.forEach((session, i) => {
      const answer = answers.readInt32LE(4 * i) as Sent | ErrorCode;
      if (answer === Sent.OK || answer === Sent.BACKPRESSURE)
        session.queued({ opcode, fin: true, plain, payload });
    });
  }

  /** Joins or leaves, or sends one message to all members or to all. */
  #publish({ handle }: Watch): void {
    const { driver, random, sessions } = this;
    const { core, ingress } = driver;
    const topics = ['a', 'a/b', 'a/+', '#', 'b/c'];
    if (random.once(2)) {
      const [ptr = 0, n = 0] = driver.pass(random.pick(topics));
      if (random.once(4)) core.limpet_unsubscribe(handle, ptr, n);
      else core.limpet_subscribe(handle, ptr, n);
      return;
    }
    if (core.limpet_room_next(0) === ErrorCode.UNSUPPORTED) return;
    const { call, meant } = this.#audience(handle);
    const open = meant.filter((one) => driver.info(one)?.state === State.OPEN);
    const opcode = random.pick([Opcode.TEXT, Opcode.BINARY]);
    const plain = random.once(6);
    const kind = opcode | (plain ? SEND_PLAIN : 0);
    const payload = driver.copy(
      ingress,
      random.length(Math.min(driver.ingressBytes, core.limpet_send_max())),
    );
    const sent = () => sessions.map((one) => this.#messagesOut(one.handle));
    const before = sent();
    const room = random.once(3) ? core.limpet_publish_room(payload.length) : 0;
    const at = room > 0 ? room : ingress;
    if (room > 0) driver.write(room, payload);
    const record = call(kind, at, payload.length);
    if (record === ErrorCode.VALUE) return;
    if (record < 0) throw new Fault(`a publication is ${record}`);
    const after = sent();
    const reached = sessions.filter((_, i) => after[i] !== before[i]);
    const delivered = driver.u32(record + PublishRecord.delivered);
    const dropped = driver.u32(record + PublishRecord.dropped);
    if (delivered !== reached.length) throw new Fault(`${delivered} are not ${reached.length}`);
    if (delivered + dropped !== open.length || !reached.every((one) => open.includes(one.handle)))
      throw new Fault(`${delivered} and ${dropped} are not ${open.length}`);
    for (const session of reached) session.queued({ opcode, fin: true, plain, payload });
  }

  /** Whom a publication is for, whatever their states are; and the call for it. */
  #audience(handle: number): {
    call: (kind: number, ptr: number, len: number) => number;
    meant: number[];
  } {
    const { driver, random, sessions, gone } = this;
    const { core } = driver;
    if (random.once(2)) {
      const topic = random.pick(['a', 'a', 'a/b', 'b/c', 'a/b/c', 'a/+']);
      const except = random.once(3) ? random.pick([handle, ...gone.slice(-3)]) : 0;
      const meant = topic === 'a/+' ? [] : reachedBy(this, topic).filter((one) => one !== except);
      const [ptr = 0, n = 0] = driver.pass(topic);
      return { call: (...message) => core.limpet_publish(ptr, n, ...message, except), meant };
    }
    const all = { at: 0, named: sessions.map((one) => one.handle) };
    const { at, named } = random.once(2) ? selection(this) : all;
    return { call: (...message) => core.limpet_broadcast(at, ...message), meant: named };
  }

  #messagesOut(handle: number): number {
    const info = this.driver.core.limpet_session_info(handle);
    return info < 0 ? 0 : this.driver.u64(info + SessionInfo.messagesOut);
  }

  /** Writes some of the output, or all of it. */
  #write(session: Watch): void {
    const { driver, random } = this;
    if (!random.once(this.#slow)) return;
    if (random.once(4)) driver.core.limpet_tx_next();
    const { pieces, length, more } = driver.output(session.handle);
    const info = driver.info(session.handle);
    const sum = pieces.reduce((all, piece) => all + piece.length, 0);
    if (sum !== length || (!more && length !== info?.queued))
      throw new Fault(`${length} bytes of ${info?.queued}`);
    const n = random.once(3) ? random.below(length + 1) : length;
    const all = Buffer.concat(
      pieces.map((piece) => piece.bytes ?? Buffer.alloc(piece.length, 0x65)),
    );
    if (driver.core.limpet_tx_ack(session.handle, n) < 0) throw new Fault('limpet_tx_ack');
    session.output(all.subarray(0, n));
  }

  #decide({ handle, known }: Watch): void {
    const { driver, random } = this;
    const protocol = random.pick([
      ...['', '', '', 'chat', 'superchat', 'mqtt', 'chat,superchat', 'bearer', SECRET],
    ]);
    const headers = random.pick(['', '', '', 'X: y\r\n', 'X: y', 'X\r\n\r\n', 'Connection: x\r\n']);
    const request = requestOf(driver, handle);
    const [a = 0, b = 0, c = 0, d = 0] = driver.pass(protocol, headers);
    if (!random.once(6))
      known.accepted(driver, request, driver.core.limpet_accept(handle, a, b, c, d));
    else {
      const status = random.pick([0, 200, 204, 304, 404, 426, 503, 101, 999]);
      const external = random.once(3);
      driver.core.limpet_respond(
        handle,
        status,
        c,
        d,
        external ? 0 : driver.ingress,
        random.length(3000),
      );
    }
  }

  #option(session: Watch): void {
    const { driver, random } = this;
    const option = random.once(4)
      ? random.pick([Option.HEARTBEAT_MS, Option.HEARTBEAT_TIMEOUT_MS])
      : (random.below(Option.FRAGMENTS_MAX + 1) as Option);
    if (session.client && random.once(3))
      driver.core.limpet_masking_key(session.handle, random.word());
    const word = random.pick([0, 1, 2, 3, 30, 400, 1000, 5000, 30_000, random.word(), 0x7fffffff]);
    if (driver.setOption(session.handle, option, word) < 0) return;
    if (option === Option.USER) session.user = word;
    if (option === Option.MESSAGE_MAX && session.limit) {
      session.limit = word === 0 ? 0 : Math.max(session.limit, word);
    }
  }

  /** The end of everything, which other steps go on behind. */
  #shutDown(): void {
    const { driver, random } = this;
    const code = random.pick([-1, 0, 0, 1000, 1012, 4999]);
    const answer = driver.shutdown(random.pick([0, 1, 50, 5000, 0x7fffffff]), code);
    if (answer === ErrorCode.UNSUPPORTED) return;
    if (answer !== 0) throw new Fault(`limpet_shutdown is ${answer}`);
    this.#shutdown = true;
    for (const session of this.sessions) session.warned = true;
  }

  #end({ handle }: Watch): void {
    const { driver, random } = this;
    if (random.once(40)) return this.#shutDown();
    switch (random.below(3)) {
      case 0:
        driver.eof(handle);
        break;
      case 1:
        driver.core.limpet_terminate(handle);
        break;
      default: {
        const [ptr = 0, length = 0] = driver.pass(
          random.once(2) ? 'bye' : random.bytes(random.below(125)),
        );
        driver.core.limpet_close(
          handle,
          random.pick([0, 1000, 1001, 3000, 4999, 1005, 5000]),
          ptr,
          length,
        );
      }
    }
  }

  /** Looks at the events that are new; they are read at once, as the ingress region may be written next. */
  #look(): void {
    const ring = this.driver.peek();
    for (const event of ring.slice(this.#seen)) {
      if (event.kind === 0) continue;
      const session = this.sessions.find(({ handle }) => handle === event.session);
      if (!session)
        throw new Fault(`event ${event.kind} of session ${event.session}, which there is not`);
      session.event(event);
    }
    this.#seen = ring.length;
  }

  #acknowledge(count: number): void {
    const { driver } = this;
    const closed = driver
      .peek()
      .slice(0, count)
      .filter(({ kind }) => kind === 9);
    if (driver.core.limpet_event_ack(count) !== 0) throw new Fault(`limpet_event_ack(${count})`);
    this.#seen -= count;
    for (const { session } of closed) {
      const at = this.sessions.findIndex(({ handle }) => handle === session);
      this.sessions.splice(at, 1);
      this.gone.push(session);
      if (driver.info(session)) throw new Fault('a session lives on behind its CLOSED event');
    }
    this.#look();
  }
}
