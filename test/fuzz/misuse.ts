// Random numbers → calls that no host should make. Each must be refused, and change nothing.

import { ErrorCode, Role } from '../support/driver.js';
import { Fault } from './watch.js';
import type { World } from './world.js';

/** Calls of a handle, with arguments that would be right. */
const OF_HANDLE = [
  'limpet_eof',
  'limpet_option_get',
  'limpet_option_set',
  'limpet_session_info',
  'limpet_rx_room',
  'limpet_rx',
  'limpet_request_part',
  'limpet_header_next',
  'limpet_protocol_at',
  'limpet_accept',
  'limpet_respond',
  'limpet_send',
  'limpet_send_begin',
  'limpet_send_end',
  'limpet_send_external',
  'limpet_close',
  'limpet_terminate',
  'limpet_tx',
  'limpet_tx_ack',
] as const;

export function misuse(world: World): void {
  const { random } = world;
  switch (random.below(4)) {
    case 0:
      staleHandle(world);
      break;
    case 1:
      badPointer(world);
      break;
    case 2:
      badArguments(world);
      break;
    default:
      wrongState(world);
  }
}

/** A handle that is stale, or never was one: HANDLE, whatever else is asked. */
function staleHandle({ driver, random, gone }: World): void {
  const never = [-1, -0x80000000, 0x7fffffff, 0x10000 | 0xffff, 1, 0x7fff0000];
  const handle = random.pick([...gone.slice(-8), ...never]);
  const name = random.pick(OF_HANDLE);
  const core = driver.core as unknown as Record<string, (...args: number[]) => number>;
  const answer = core[name]?.(handle, 0, 0, driver.now, 0, 0);
  if (answer !== ErrorCode.HANDLE && answer !== ErrorCode.UNSUPPORTED)
    throw new Fault(`${name}(${handle}) is ${answer}`);
}

/** Pointers and lengths that leave linear memory: ARGUMENT. */
function badPointer({ driver, random, sessions }: World): void {
  if (sessions.length === 0) return;
  const { handle } = random.pick(sessions);
  const size = driver.memory.length;
  const [ptr, length] = random.pick([
    [size, 1],
    [size - 4, 100],
    [-4, 4],
    [driver.ingress, -1],
    [driver.ingress, 0x7fffffff],
    [0x7fffffff, 0x7fffffff],
    [-1, 1],
    [-0x80000000, 0],
  ] as const);
  const { core } = driver;
  const answers = [
    ['limpet_rx', core.limpet_rx(handle, ptr, length, driver.now)],
    ['limpet_send', core.limpet_send(handle, 2, ptr, length)],
    ['limpet_accept', core.limpet_accept(handle, ptr, length, 0, 0)],
    ['limpet_accept', core.limpet_accept(handle, 0, 0, ptr, length)],
    ['limpet_respond', core.limpet_respond(handle, 200, ptr, length, 0, 0)],
    ['limpet_send_many', core.limpet_send_many(driver.scratch, 1, 2, ptr, length)],
    ['limpet_seed', core.limpet_seed(ptr, length)],
    ['limpet_connect', core.limpet_connect(ptr, length, 0, 0, 0, 0, 0, 0, driver.now)],
  ] as const;
  for (const [name, answer] of answers) {
    if (answer !== ErrorCode.ARGUMENT && answer !== ErrorCode.UNSUPPORTED)
      throw new Fault(`${name}(${ptr}, ${length}) is ${answer}`);
  }
  // Of two reasons to refuse, either may be told: a session that is not open cannot be closed.
  const close = core.limpet_close(handle, 1000, ptr, length);
  if (close !== ErrorCode.ARGUMENT && close !== ErrorCode.STATE) {
    throw new Fault(`limpet_close(${ptr}, ${length}) is ${close}`);
  }
}

/** Keys, codes and lengths that are out of range: an error, or an answer that changes nothing. */
function badArguments({ driver, random, sessions }: World): void {
  const { core } = driver;
  const word = random.pick([-1, 33, 100, 0x7fffffff, -0x80000000, random.word() | 0x80000000]);
  if (core.limpet_region(word) !== ErrorCode.ARGUMENT) throw new Fault(`limpet_region(${word})`);
  if (core.limpet_region_size(word) !== ErrorCode.ARGUMENT)
    throw new Fault(`limpet_region_size(${word})`);
  const got = core.limpet_option_get(0, word);
  if (got !== ErrorCode.ARGUMENT && got !== ErrorCode.UNSUPPORTED)
    throw new Fault(`limpet_option_get(0, ${word})`);
  if (core.limpet_option_set(0, word, 1) !== ErrorCode.ARGUMENT)
    throw new Fault(`limpet_option_set(0, ${word})`);
  if (core.limpet_attach(word, 0, driver.now) !== ErrorCode.ARGUMENT)
    throw new Fault(`limpet_attach(${word})`);
  if (core.limpet_attach(Role.SERVER, word, driver.now) !== ErrorCode.ARGUMENT)
    throw new Fault(`limpet_attach(0, ${word})`);
  if (core.limpet_event_ack(random.pick([-1, 100_000, -0x80000000])) !== ErrorCode.ARGUMENT) {
    throw new Fault('limpet_event_ack');
  }
  core.limpet_session_next(word);
  if (sessions.length === 0) return;
  const { handle } = random.pick(sessions);
  const queued = driver.info(handle)?.queued ?? 0;
  if (core.limpet_tx_ack(handle, queued + 1) !== ErrorCode.ARGUMENT)
    throw new Fault('limpet_tx_ack of more');
  if (core.limpet_tx_ack(handle, -1) !== ErrorCode.ARGUMENT) throw new Fault('limpet_tx_ack(-1)');
  if (
    core.limpet_send(
      handle,
      random.pick([3, 7, 8, 11, 15, 0x19, 0x23, 0x29, 0x3a, 0x40, 0x41, -1]),
      driver.scratch,
      4,
    ) >= 0
  ) {
    throw new Fault('limpet_send of no opcode');
  }
  const [list, count, kind] = random.pick([
    [driver.memory.length, 1, 2],
    [driver.memory.length - 4, 2, 2],
    [driver.scratch, -1, 2],
    [driver.scratch, 0x40000000, 2],
    [driver.scratch, 1, random.pick([0, 3, 9, 0x12, -1])],
  ] as const);
  const many = core.limpet_send_many(list, count, kind, driver.scratch, 4);
  if (many !== ErrorCode.ARGUMENT && many !== ErrorCode.UNSUPPORTED)
    throw new Fault(`limpet_send_many(${list}, ${count}, ${kind})`);
  core.limpet_send_begin(handle, 2, 0x7fffffff);
  core.limpet_send_external(handle, random.pick([8, 9, -1, 77]), 5);
  if (core.limpet_send_begin(handle, 2, -1) >= 0) throw new Fault('limpet_send_begin(-1)');
}

/** Calls that are right at another time. */
function wrongState({ driver, random, sessions }: World): void {
  if (sessions.length === 0) return;
  const { handle } = random.pick(sessions);
  const { core } = driver;
  for (let part = -1; part < 7; part++) core.limpet_request_part(handle, part);
  core.limpet_header_next(handle, random.pick([0, 1, 16, 40, 33, 100, 5000, -1, random.word()]));
  core.limpet_protocol_at(handle, random.pick([0, 1, 2, 40, -1, random.word()]));
  core.limpet_send_end(handle);
  core.limpet_tx_ack(handle, 0);
}
