// Random numbers → calls that no host should make. Each must be refused, and change nothing.

import { Region, RoomRecord, SelectRecord, State } from '../../build/limpet.abi.js';
import { ErrorCode, Option, Role } from '../support/driver.js';
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
  'limpet_header',
  'limpet_cookie',
  'limpet_protocol_at',
  'limpet_accept',
  'limpet_respond',
  'limpet_send',
  'limpet_send_begin',
  'limpet_send_end',
  'limpet_send_external',
  'limpet_send_prepared',
  'limpet_masking_key',
  'limpet_close',
  'limpet_terminate',
  'limpet_address',
  'limpet_address_set',
  'limpet_tx',
  'limpet_tx_ack',
  'limpet_subscribe',
  'limpet_unsubscribe',
  'limpet_subscribed',
  'limpet_session_room_next',
  'limpet_meta_set',
  'limpet_meta_get',
  'limpet_meta_delete',
  'limpet_meta_next',
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
    ['limpet_address_set', core.limpet_address_set(handle, ptr, length, 0, 0)],
    ['limpet_send_many', core.limpet_send_many(driver.scratch, 1, 2, ptr, length)],
    ['limpet_publish', core.limpet_publish(driver.scratch, 1, 2, ptr, length, 0)],
    ['limpet_publish', core.limpet_publish(ptr, length, 2, driver.scratch, 1, 0)],
    ['limpet_broadcast', core.limpet_broadcast(0, 2, ptr, length)],
    ['limpet_prepare', core.limpet_prepare(2, ptr, length)],
    ['limpet_topic_next', core.limpet_topic_next(ptr, length, 0)],
    ['limpet_publish_room', core.limpet_publish_room(-1)],
    ['limpet_seed', core.limpet_seed(ptr, length)],
    ['limpet_subscribe', core.limpet_subscribe(handle, ptr, length)],
    ['limpet_unsubscribe', core.limpet_unsubscribe(handle, ptr, length)],
    ['limpet_subscribed', core.limpet_subscribed(handle, ptr, length)],
    ['limpet_room', core.limpet_room(ptr, length)],
    ['limpet_room_members', core.limpet_room_members(ptr, length, 0, driver.scratch, 1)],
    ['limpet_request_keep', core.limpet_request_keep(ptr, length)],
    ['limpet_meta_set', core.limpet_meta_set(handle, ptr, length, driver.scratch, 1)],
    ['limpet_meta_set', core.limpet_meta_set(handle, driver.scratch, 1, ptr, length)],
    ['limpet_meta_get', core.limpet_meta_get(handle, ptr, length)],
    ['limpet_meta_delete', core.limpet_meta_delete(handle, ptr, length)],
    ['limpet_origin_add', core.limpet_origin_add(ptr, length)],
    ['limpet_protocol_add', core.limpet_protocol_add(ptr, length)],
    ['limpet_token_add', core.limpet_token_add(ptr, length)],
    ['limpet_connect', core.limpet_connect(ptr, length, 0, 0, 0, 0, 0, 0, driver.now)],
  ] as const;
  for (const [name, answer] of answers) {
    if (answer !== ErrorCode.ARGUMENT && answer !== ErrorCode.UNSUPPORTED)
      throw new Fault(`${name}(${ptr}, ${length}) is ${answer}`);
  }
  // It looks at the first bytes, of however many.
  const header = core.limpet_proxy_length(ptr, length);
  const mayBe = ptr === driver.ingress && length > 0;
  if (!mayBe && header !== ErrorCode.ARGUMENT && header !== ErrorCode.UNSUPPORTED)
    throw new Fault(`limpet_proxy_length(${ptr}, ${length}) is ${header}`);
  // Of two reasons to refuse, either may be told: a session that is not open cannot be closed.
  const close = core.limpet_close(handle, 1000, ptr, length);
  if (close !== ErrorCode.ARGUMENT && close !== ErrorCode.STATE) {
    throw new Fault(`limpet_close(${ptr}, ${length}) is ${close}`);
  }
}

/** Behind the last Option. */
const OPTIONS_END = Math.max(...Object.values(Option)) + 1;

/** Keys, codes and lengths that are out of range: an error, or an answer that changes nothing. */
function badArguments({ driver, random, sessions }: World): void {
  const { core } = driver;
  const word = random.pick([
    -1,
    OPTIONS_END,
    100,
    0x7fffffff,
    -0x80000000,
    random.word() | 0x80000000,
  ]);
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
  const shutdown = random.pick([
    [-1, 0, ErrorCode.ARGUMENT],
    [-0x80000000, 1000, ErrorCode.ARGUMENT],
    [1000, random.pick([-2, 1, 999, 1004, 1005, 1006, 1015, 2999, 5000]), ErrorCode.VALUE],
  ] as const);
  const refused = core.limpet_shutdown(shutdown[0], shutdown[1], driver.now | 0);
  if (refused !== shutdown[2] && refused !== ErrorCode.UNSUPPORTED)
    throw new Fault(`limpet_shutdown(${shutdown[0]}, ${shutdown[1]}) is ${refused}`);
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
  // A SelectRecord that lies beyond memory, or whose key or value does.
  const beyond = driver.memory.length - random.pick([0, 4, SelectRecord.size - 4]);
  const select = Buffer.alloc(SelectRecord.size);
  select.writeUInt32LE(
    random.pick([beyond, 0xffffffff]),
    random.pick([SelectRecord.keyPtr, SelectRecord.valuePtr]),
  );
  select.writeInt32LE(SelectRecord.size, SelectRecord.keyLen);
  select.writeInt32LE(SelectRecord.size, SelectRecord.valueLen);
  driver.write(driver.scratch, select);
  for (const at of [beyond, random.pick([-1, -0x80000000, 0x7fffffff]), driver.scratch]) {
    const selected = core.limpet_select(at, 0);
    if (selected !== ErrorCode.ARGUMENT && selected !== ErrorCode.UNSUPPORTED)
      throw new Fault(`limpet_select(${at}) is ${selected}`);
    const broadcast = core.limpet_broadcast(at, 2, driver.scratch, 1);
    if (broadcast !== ErrorCode.ARGUMENT && broadcast !== ErrorCode.UNSUPPORTED)
      throw new Fault(`limpet_broadcast(${at}) is ${broadcast}`);
  }
  const [bytes, port, trust] = random.pick([
    [5, 0, 0],
    [4, random.pick([-1, 65_536]), 0],
    [16, 0, random.pick([-1, 8, 0x7fffffff])],
  ] as const);
  const address = core.limpet_address_set(handle, driver.scratch, bytes, port, trust);
  if (address !== ErrorCode.ARGUMENT && address !== ErrorCode.UNSUPPORTED)
    throw new Fault(`limpet_address_set(${bytes}, ${port}, ${trust}) is ${address}`);
  core.limpet_send_begin(handle, 2, 0x7fffffff);
  core.limpet_send_external(handle, random.pick([8, 9, -1, 77]), 5);
  if (core.limpet_send_begin(handle, 2, -1) >= 0) throw new Fault('limpet_send_begin(-1)');
}

/** Calls that are right at another time. */
function wrongState(world: World): void {
  const { driver, random, sessions } = world;
  if (sessions.length === 0) return;
  const session = random.pick(sessions);
  const { handle } = session;
  const { core } = driver;
  for (let part = -1; part < 7; part++) core.limpet_request_part(handle, part);
  core.limpet_header_next(handle, random.pick([0, 1, 16, 40, 33, 100, 5000, -1, random.word()]));
  core.limpet_header(handle, driver.scratch, random.below(100));
  core.limpet_cookie(handle, driver.scratch, random.below(100));
  core.limpet_meta_next(handle, random.pick([1, 2, 40, -1, random.word()]));
  core.limpet_protocol_at(handle, random.pick([0, 1, 2, 40, -1, random.word()]));
  core.limpet_send_end(handle);
  core.limpet_tx_ack(handle, 0);
  const state = driver.info(handle)?.state ?? 0;
  const address = core.limpet_address_set(handle, driver.scratch, 4, 0, random.below(8));
  if (address === 0 && state !== State.HANDSHAKE && state !== State.OPEN)
    throw new Fault(`limpet_address_set in state ${state}`);
  if (address !== ErrorCode.STATE) session.address = undefined;
  roomCursors(world);
}

/** Rooms to go on from that there are not, no more, or that are no rooms. */
function roomCursors({ driver, random, sessions }: World): void {
  const { core } = driver;
  const region = core.limpet_region(Region.TOPICS);
  const at = random.pick([
    random.word(),
    region + random.below(core.limpet_region_size(Region.TOPICS) + 100),
    Math.max(core.limpet_room_next(0), 0) + random.pick([0, 8, 80, 176]),
  ]);
  core.limpet_room_next(at);
  const { handle } = random.pick(sessions);
  core.limpet_session_room_next(handle, at);
  const found = Math.max(core.limpet_room_next(0), 0);
  if (!found) return;
  const [ptr, length] = [driver.u32(found + RoomRecord.ptr), driver.u32(found + RoomRecord.len)];
  const after = random.pick([0, handle, at, random.word()]);
  const count = core.limpet_room_members(ptr, length, after, driver.scratch, 8);
  if (count > 8) throw new Fault(`limpet_room_members wrote ${count} of 8`);
}
