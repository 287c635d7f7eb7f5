// A core that allocates → the functions of assembly/ that do. The deny runtime only says that
// something does; this looks for it in the call graph of a build with the ordinary runtime.

import { disassemble, type Compilation } from './asc.js';

const ALLOCATES = /^~lib\/rt\/\w+\/__(alloc|realloc|free|new|renew|link|collect|pin|unpin|visit)$/;

/** The functions of assembly/ from which library code or a call leads to the allocator. */
export async function findAllocations(compilation: Compilation): Promise<string[]> {
  const callers = callersOf(await disassemble({ ...compilation, deny: false }));
  const found = new Set<string>();
  const seen = new Set<string>();
  const open = [...callers.keys()].filter((callee) => ALLOCATES.test(callee));
  for (let callee = open.pop(); callee !== undefined; callee = open.pop()) {
    for (const caller of callers.get(callee) ?? []) {
      if (caller.startsWith('assembly/')) found.add(`${caller} calls ${callee}`);
      else if (caller.startsWith('start:'))
        found.add(`the top level of ${caller.slice(6)} calls ${callee}`);
      else if (!seen.has(caller)) open.push(caller);
      seen.add(caller);
    }
  }
  return [...found].sort();
}

/** Callee → callers, out of the text format. */
function callersOf(text: string): Map<string, Set<string>> {
  const callers = new Map<string, Set<string>>();
  let inside = '';
  for (const line of text.split('\n')) {
    const [, head, callee] = /^ ?\(func \$(\S+)|^\s+\(?call \$(\S+?)\)?$/.exec(line) ?? [];
    if (head) inside = head;
    else if (callee) callers.set(callee, (callers.get(callee) ?? new Set()).add(inside));
  }
  return callers;
}
