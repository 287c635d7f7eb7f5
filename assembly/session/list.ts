// Lists of records that lie where they lie: a list is two words, and each record has a node of two
// words per list that it may be in. Adding, and taking out from anywhere, are O(1).
//
//   list   first node          last node's address (0 before the first use: the list itself)
//   node   next node or 0      address of the word that points here; 0 = in no list
//
// A list and a node both begin with the word that points at the next node, so the first node needs
// no special case.

@unmanaged
export class Node {
  next: u32;
  /** Address of the word that points here. */
  owner: u32;
}

/** Adds a node at the end, unless it is in the list already. */
export function listAppend(list: usize, node: usize): void {
  const n = changetype<Node>(node);
  if (n.owner) return;
  const last: usize = load<u32>(list, 4);
  n.next = 0;
  n.owner = <u32>(last ? last : list);
  store<u32>(n.owner, <u32>node);
  store<u32>(list, <u32>node, 4);
}

/** Takes a node out, if it is in the list. */
export function listRemove(list: usize, node: usize): void {
  const n = changetype<Node>(node);
  if (!n.owner) return;
  store<u32>(n.owner, n.next);
  if (n.next) changetype<Node>(<usize>n.next).owner = n.owner;
  else store<u32>(list, n.owner, 4);
  n.owner = 0;
}

/** Adds a node that is in no list at the front; such a list is not appended to. */
export function listPush(list: usize, node: usize): void {
  const n = changetype<Node>(node);
  n.next = load<u32>(list);
  n.owner = <u32>list;
  if (n.next) changetype<Node>(<usize>n.next).owner = <u32>node;
  store<u32>(list, <u32>node);
}

/** Takes a node out of a list that is not appended to: its first word is all that it has. */
export function listDrop(node: usize): void {
  const n = changetype<Node>(node);
  store<u32>(n.owner, n.next);
  if (n.next) changetype<Node>(<usize>n.next).owner = n.owner;
}
