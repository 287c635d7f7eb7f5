// The built package `limpet/ws`, as somebody who installed it gets it.

import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Ws from 'ws';

/** What `import … from 'limpet/ws'` gives. */
export async function limpet(): Promise<typeof Ws> {
  return (await import(pathToFileURL(resolve('build/ws.js')).href)) as typeof Ws;
}

/** What `require('limpet/ws')` gives: a class with the rest as its statics. */
export function limpetRequired(): typeof Ws.WebSocket & typeof Ws {
  return createRequire(resolve('package.json'))('./build/ws.cjs') as typeof Ws.WebSocket &
    typeof Ws;
}
