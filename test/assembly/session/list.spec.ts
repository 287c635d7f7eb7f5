// Lists: their order, where a node may leave them, and what lies beside them.

import { zeroWords } from '../../../assembly/memory';
import { listAppend, listDrop, listPush, listRemove, Node } from '../../../assembly/session/list';
import { HERE } from '../bytes';

const LIST: usize = HERE;

/** Where node `n` lies. */
function at(n: i32): usize {
  return HERE + 64 + 16 * n;
}

function node(n: i32): Node {
  return changetype<Node>(at(n));
}

/** An empty list, and nodes that are in none. */
function clear(): void {
  zeroWords(HERE, 256);
}

/** The nodes as the digits of a number, the first one first; -1 when a node does not know who points at it. */
function order(): i32 {
  let digits = 0;
  let from = LIST;
  while (load<u32>(from)) {
    const next: usize = load<u32>(from);
    if (changetype<Node>(next).owner != <u32>from) return -1;
    digits = digits * 10 + <i32>((next - at(0)) >> 4);
    from = next;
  }
  return digits;
}

/** The same, and the list knows its last node. */
function sound(): i32 {
  const digits = order();
  const last = digits % 10 ? at(digits % 10) : LIST;
  return load<u32>(LIST, 4) == <u32>last ? digits : -1;
}

/** 1, 2, 3 and 4, appended. */
function four(): void {
  clear();
  for (let n = 1; n < 5; n++) listAppend(LIST, at(n));
}

describe('listAppend', () => {
  it('adds at the end', () => {
    clear();
    listAppend(LIST, at(2));
    expect<i32>(sound()).toBe(2);
    listAppend(LIST, at(1));
    expect<i32>(sound()).toBe(21);
    listAppend(LIST, at(3));
    expect<i32>(sound()).toBe(213);
  });

  it('leaves a node where it is that is in the list', () => {
    four();
    listAppend(LIST, at(1));
    listAppend(LIST, at(3));
    listAppend(LIST, at(4));
    expect<i32>(sound()).toBe(1234);
  });
});

describe('listRemove', () => {
  it('takes out the first, one in the middle, the last and the only one', () => {
    four();
    listRemove(LIST, at(1));
    expect<i32>(sound()).toBe(234);
    listRemove(LIST, at(3));
    expect<i32>(sound()).toBe(24);
    listRemove(LIST, at(4));
    expect<i32>(sound()).toBe(2);
    listRemove(LIST, at(2));
    expect<i32>(sound()).toBe(0);
  });

  it('changes nothing the second time, or when the node never was in it', () => {
    four();
    listRemove(LIST, at(4));
    listRemove(LIST, at(4));
    listRemove(LIST, at(5));
    expect<i32>(sound()).toBe(123);
    expect<u32>(node(4).owner | node(5).owner).toBe(0);
  });

  it('lets what was taken out come back at the end', () => {
    four();
    listRemove(LIST, at(2));
    listAppend(LIST, at(2));
    expect<i32>(sound()).toBe(1342);
    listRemove(LIST, at(2));
    listAppend(LIST, at(5));
    expect<i32>(sound()).toBe(1345);
  });
});

describe('listPush', () => {
  it('adds at the front, and listRemove takes out from anywhere', () => {
    clear();
    for (let n = 1; n < 5; n++) listPush(LIST, at(n));
    expect<i32>(order()).toBe(4321);
    listRemove(LIST, at(4));
    listRemove(LIST, at(2));
    expect<i32>(order()).toBe(31);
    listRemove(LIST, at(1));
    listPush(LIST, at(2));
    expect<i32>(order()).toBe(23);
  });
});

describe('listDrop', () => {
  it('takes out the first, one in the middle and the last, of a list of one word', () => {
    clear();
    store<u32>(LIST, 0xabcdef01, 4);
    for (let n = 1; n < 6; n++) listPush(LIST, at(n));
    listDrop(at(3));
    expect<i32>(order()).toBe(5421);
    listDrop(at(5));
    expect<i32>(order()).toBe(421);
    listDrop(at(1));
    expect<i32>(order()).toBe(42);
    listPush(LIST, at(5));
    expect<i32>(order()).toBe(542);
    expect<u32>(load<u32>(LIST, 4)).toBe(0xabcdef01);
  });
});
