// Sessions ↔ remote addresses: where each peer is, and how many sessions each address has.
//
//   Peer      one per session, by its slot: number of its address, port, flags
//   Address   one per distinct address that sessions have: in the chain of its bucket, or free
//   buckets   the number of the first Address of each chain, 0 = none
//
// Numbers count from 1. A session has at most one address, so the pool of as many Addresses as there
// are sessions never runs out. Joining and leaving are O(1) as long as addresses spread over the buckets;
// one that is left by its last session leaves its chain, so nothing but what is in use lies there.
//
// Whether an address has its share (Option.ADDRESS_SESSIONS) is judged once for each session: when the
// host tells the address or, when the peer is trusted to tell another, once the head is whole. A session
// that was refused does not count.

import { AddressRecord, ErrorCode, Option, Role, State } from '../abi';
import { ADDRESS_TABLES, copyBytes, HUB_STATE, stats, zeroWords } from '../memory';
import { SESSIONS } from '../profile';
import { ipPlain } from '../protocol/ip';
import { optionDefault, Session } from '../session/session';
import {
  ADDRESS_BITS,
  ADDRESS_BYTES,
  ADDRESS_RECORD_BYTES,
  ADDRESSES_STATE,
  PEER_BYTES,
} from './layout';


@unmanaged
export class Address {
  ip0: u64;
  ip8: u64;
  /** The next one of its chain, or of those free; 0 = none. */
  next: u16;
  family: u16;
  /** Sessions that have it, and those of them that count. */
  sessions: u16;
  counted: u16;
}


@unmanaged
export class Peer {
  /** The number of its Address, 0 = not known. */
  address: u16;
  port: u16;
  /** Bits of PeerFlag. */
  flags: u16;
}

const enum PeerFlag {
  /** A proxy told the address. */
  FORWARDED = 1,
  /** It is one of the address's sessions that count. */
  COUNTED = 2,
  /** The address had its share. */
  REFUSED = 4,
  /** Its first byte came. */
  BEGUN = 8,
}


@unmanaged
export class AddressState {
  /** The first freed Address, 0 = none; how many were ever used. */
  freed: u32;
  fresh: u32;
}

const ADDRESS_ENTRIES: usize = ADDRESS_TABLES + 2 * ADDRESS_RECORD_BYTES;
const BUCKETS: usize = ADDRESS_ENTRIES + SESSIONS * ADDRESS_BYTES;
const PEERS: usize = BUCKETS + (2 << ADDRESS_BITS);

/** What limpet_address tells. */
// @ts-ignore: decorator
@inline
function addressRecord(): AddressRecord {
  return changetype<AddressRecord>(ADDRESS_TABLES);
}

/** Where an address is put together, before a session gets it. */
// @ts-ignore: decorator
@inline
export function addressDraft(): AddressRecord {
  return changetype<AddressRecord>(ADDRESS_TABLES + ADDRESS_RECORD_BYTES);
}

// @ts-ignore: decorator
@inline
export function addressState(): AddressState {
  return changetype<AddressState>(HUB_STATE + ADDRESSES_STATE);
}

/** Number → Address. */
export function addressAt(number: u32): Address {
  return changetype<Address>(ADDRESS_ENTRIES + (number - 1) * ADDRESS_BYTES);
}

/** Where the number of a bucket's first Address lies. */
// @ts-ignore: decorator
@inline
export function bucketAt(bucket: u32): usize {
  return BUCKETS + (bucket << 1);
}

export function peerOf(s: Session): Peer {
  return changetype<Peer>(PEERS + (s.handle & 0xffff) * PEER_BYTES);
}

/** An address → its bucket: the high bits of a product depend on all bits of the factors. */
export function bucketOf(ip0: u64, ip8: u64): u32 {
  return <u32>((ip0 * 0x9e3779b97f4a7c15 + ip8 * 0xc2b2ae3d27d4eb4f) >> (64 - ADDRESS_BITS));
}

/** The number of the Address that is the draft's; a new one when no session has it. */
function addressTake(): u32 {
  const draft = addressDraft();
  const state = addressState();
  const bucket = bucketAt(bucketOf(draft.ip0, draft.ip8));
  let number: u32 = load<u16>(bucket);
  while (number) {
    const a = addressAt(number);
    if (a.ip0 == draft.ip0 && a.ip8 == draft.ip8 && a.family == draft.family) return number;
    number = a.next;
  }
  number = state.freed;
  if (!number) number = state.fresh += 1;
  const a = addressAt(number);
  if (state.freed) state.freed = a.next;
  a.ip0 = draft.ip0;
  a.ip8 = draft.ip8;
  a.family = draft.family;
  a.sessions = a.counted = 0;
  a.next = load<u16>(bucket);
  store<u16>(bucket, <u16>number);
  return number;
}

/** Takes an Address that no session has out of its chain. */
function addressFree(number: u32): void {
  const a = addressAt(number);
  const state = addressState();
  let link = bucketAt(bucketOf(a.ip0, a.ip8));
  while (load<u16>(link) != <u16>number) {
    link = changetype<usize>(addressAt(load<u16>(link))) + offsetof<Address>('next');
  }
  store<u16>(link, a.next);
  a.next = <u16>state.freed;
  state.freed = number;
}

/** Gives back the address that a session has, if it has one. */
function leave(peer: Peer): void {
  const number: u32 = peer.address;
  if (!number) return;
  const a = addressAt(number);
  a.sessions -= 1;
  if (peer.flags & PeerFlag.COUNTED) a.counted -= 1;
  peer.flags &= <u16>PeerFlag.BEGUN;
  peer.address = peer.port = 0;
  if (!a.sessions) addressFree(number);
}

/** Gives a session the address of the draft; family 0 is none. */
function join(peer: Peer): void {
  const draft = addressDraft();
  leave(peer);
  if (draft.family == 6) draft.family = <u8>ipPlain(changetype<usize>(draft));
  if (!draft.family) return;
  const number = addressTake();
  addressAt(number).sessions += 1;
  peer.address = <u16>number;
  peer.port = draft.port;
}

/** Counts a session to its address, unless that has its share. */
function judge(peer: Peer): i32 {
  if (!peer.address) return 0;
  const a = addressAt(peer.address);
  const most = optionDefault(Option.ADDRESS_SESSIONS);
  if (most && a.counted >= most) {
    stats().refusedAddress += 1;
    peer.flags |= <u16>PeerFlag.REFUSED;
    return ErrorCode.ADDRESSES;
  }
  a.counted += 1;
  peer.flags |= <u16>PeerFlag.COUNTED;
  return 0;
}

/**
 * The host tells where a session's peer is.
 *
 * @param n bytes of the address at `p`: 4, 16, or 0 when it is not known
 * @param trust bits of Trust
 * @returns 0, ErrorCode.STATE, or ADDRESSES when the address has its share
 */
export function addressSet(s: Session, p: usize, n: u32, port: u32, trust: u32): i32 {
  const peer = peerOf(s);
  const open = s.state == State.OPEN;
  if (s.role != Role.SERVER || peer.flags & PeerFlag.BEGUN) return ErrorCode.STATE;
  if (s.state != State.HANDSHAKE && !open) return ErrorCode.STATE;
  const draft = addressDraft();
  draft.ip0 = draft.ip8 = 0;
  copyBytes(changetype<usize>(draft), p, n);
  draft.family = n == 16 ? 6 : <u8>n;
  draft.port = <u16>port;
  join(peer);
  // Behind a handshake that was done elsewhere nothing more is told.
  s.trust = open ? 0 : <u8>trust;
  return s.trust ? 0 : judge(peer);
}

/** The first byte of a session is here: from now on the host has no say in its address. */
// @ts-ignore: decorator
@inline
export function addressBegun(s: Session): void {
  peerOf(s).flags |= <u16>PeerFlag.BEGUN;
}

/** A proxy told the address that is in the draft. */
export function addressMove(s: Session): void {
  const peer = peerOf(s);
  join(peer);
  peer.flags |= <u16>PeerFlag.FORWARDED;
}

/** The head is whole, and the address is what it stays: 0, or ErrorCode.HTTP_ADDRESS. */
export function addressJudge(s: Session): i32 {
  const peer = peerOf(s);
  if (!(peer.flags & (PeerFlag.COUNTED | PeerFlag.REFUSED))) judge(peer);
  return peer.flags & PeerFlag.REFUSED ? ErrorCode.HTTP_ADDRESS : 0;
}

/** Gives back what a session has of the tables. */
export function addressRelease(s: Session): void {
  const peer = peerOf(s);
  leave(peer);
  peer.flags = 0;
}

/** Where a session's peer is. */
export function addressOf(s: Session): AddressRecord {
  const record = addressRecord();
  const peer = peerOf(s);
  zeroWords(changetype<usize>(record), ADDRESS_RECORD_BYTES);
  record.forwarded = <u8>(peer.flags & PeerFlag.FORWARDED);
  if (!peer.address) return record;
  const a = addressAt(peer.address);
  record.ip0 = a.ip0;
  record.ip8 = a.ip8;
  record.family = <u8>a.family;
  record.port = peer.port;
  record.sessions = a.counted;
  return record;
}
