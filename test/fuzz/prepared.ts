// Messages that a world keeps: prepared, sent to any of its sessions, freed while they are queued.

import { Opcode, SEND_PLAIN, Sent } from '../../build/limpet.abi.js';
import { ErrorCode } from '../support/driver.js';
import { Fault } from './watch.js';
import type { World } from './world.js';

interface Kept {
  number: number;
  opcode: number;
  plain: boolean;
  payload: Buffer;
}

export class PreparedMessages {
  readonly #kept: Kept[] = [];
  readonly #freed: number[] = [];

  constructor(readonly world: World) {}

  step(): void {
    const { random } = this.world;
    if (this.#kept.length === 0 || random.once(4)) this.#prepare();
    else if (random.once(5)) this.#free(random.below(this.#kept.length));
    else this.#send(random.pick(this.#kept));
    if (random.once(8)) this.#stale();
  }

  /** Frees all: nothing of them may be left. */
  finish(): void {
    while (this.#kept.length) this.#free(0);
  }

  #prepare(): void {
    const { driver, random } = this.world;
    const { core, ingress } = driver;
    const opcode = random.pick([Opcode.TEXT, Opcode.BINARY]);
    const plain = random.once(6);
    const longest = Math.min(driver.ingressBytes, core.limpet_send_max());
    const payload = driver.copy(ingress, random.length(longest));
    const kind = opcode | (plain ? SEND_PLAIN : 0);
    const number = core.limpet_prepare(kind, ingress, payload.length);
    if (number === ErrorCode.UNSUPPORTED || number === ErrorCode.MEMORY) return;
    if (number <= 0) throw new Fault(`limpet_prepare is ${number}`);
    if (this.#kept.some((one) => one.number === number) || this.#freed.includes(number))
      throw new Fault(`message ${number} is kept, or was`);
    this.#kept.push({ number, opcode, plain, payload });
  }

  #send({ number, opcode, plain, payload }: Kept): void {
    const { driver, random, sessions } = this.world;
    if (sessions.length === 0) return;
    const session = random.pick(sessions);
    const answer = driver.core.limpet_send_prepared(session.handle, number);
    if (answer === ErrorCode.ARGUMENT) throw new Fault(`message ${number} is lost`);
    if (answer === Sent.OK || answer === Sent.BACKPRESSURE)
      session.queued({ opcode, fin: true, plain, payload });
  }

  #free(index: number): void {
    const [{ number } = { number: 0 }] = this.#kept.splice(index, 1);
    const answer = this.world.driver.core.limpet_prepared_free(number);
    if (answer !== 0) throw new Fault(`limpet_prepared_free is ${answer}`);
    this.#freed.push(number);
  }

  /** A number that is stale, or never was one: ARGUMENT. */
  #stale(): void {
    const { driver, random, sessions } = this.world;
    const never = [0, -1, 100, 0xffff, 0x7fffffff, -0x80000000];
    const number = random.pick([...this.#freed.slice(-4), ...never]);
    const freed = driver.core.limpet_prepared_free(number);
    const sent = sessions.length
      ? driver.core.limpet_send_prepared(random.pick(sessions).handle, number)
      : freed;
    if (freed !== sent || (freed !== ErrorCode.ARGUMENT && freed !== ErrorCode.UNSUPPORTED))
      throw new Fault(`message ${number}: ${freed}, ${sent}`);
  }
}
