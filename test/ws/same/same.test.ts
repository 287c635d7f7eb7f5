// Each scenario with npm's `ws`, with limpet/ws, and with one of them on either side → the same log.
// What differs on purpose is in different.ts, and in docs/from-ws.md.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as npm from 'ws';
import { within } from '../../host/support/wait.js';
import { limpet } from '../support/limpet.js';
import { scenarios as client } from './client.js';
import { scenarios as closing } from './closing.js';
import { scenarios as control } from './control.js';
import { scenarios as data } from './data.js';
import { scenarios as deflate } from './deflate.js';
import { pure as classes, scenarios as events } from './events.js';
import { scenarios as flow } from './flow.js';
import { scenarios as frames } from './frames.js';
import { DIFFERENT, type Difference } from './different.js';
import { differences } from './differences.js';
import { Log } from './log.js';
import type { Package, Scenario, Scenarios } from './parts.js';
import { scenarios as patterns } from './patterns.js';
import { scenarios as requests } from './requests.js';
import { pure, scenarios as server } from './server.js';
import { scenarios as stream } from './stream.js';

/** How long a scenario may take, ms. */
const MOST_MS = 15_000;

/** What a package does in a scenario, line by line. */
async function play(scenario: Scenario, ws: Package): Promise<Record<string, string[]>> {
  const log = new Log();
  try {
    await within(scenario(ws, log), 'the end of the scenario', MOST_MS);
  } catch (error) {
    log.note('scenario', 'failed', error instanceof Error ? error : String(error));
  }
  // Of what the cleaning up brings about nothing counts.
  const lines = log.lines();
  await log.end();
  return lines;
}

/** Servers of one package, clients of another. */
const mixed = (servers: Package, clients: Package): Package => ({
  ...servers,
  WebSocket: clients.WebSocket,
  createWebSocketStream: (ws, options) => {
    const { createWebSocketStream } = ws instanceof clients.WebSocket ? clients : servers;
    return createWebSocketStream(ws, options);
  },
});

const ours = await limpet();
const mixes: [name: string, ws: Package][] = [
  ['limpet/ws', ours],
  ['a server of limpet/ws, a client of ws', mixed(ours, npm)],
  ['a server of ws, a client of limpet/ws', mixed(npm, ours)],
];

const all: Scenarios = {
  ...{ ...data, ...control, ...closing, ...frames, ...deflate, ...events },
  ...{ ...requests, ...server, ...client, ...flow, ...stream, ...patterns },
};

/** The log that `ws` makes; it has to make the same one each time. */
const logs = new Map<string, Promise<Record<string, string[]>>>();

for (const [name, ws] of mixes) {
  const scenarios = ws === ours ? { ...all, ...pure, ...classes } : all;
  for (const [title, scenario] of Object.entries(scenarios)) {
    test(`${title}: ${name}`, async () => {
      const right = logs.get(title) ?? play(scenario, npm);
      logs.set(title, right);
      const expected = await right;
      assert.deepEqual(expected.scenario, undefined, 'the scenario is one that ws can do');
      const lines = differences(expected, await play(scenario, ws));
      const known = DIFFERENT[title] as Difference | undefined;
      assert.deepEqual(
        lines.filter((line) => !known?.lines.test(line)),
        [],
      );
      // One of the two may be the side that has nothing to do with it.
      if (known && ws === ours) assert.notDeepEqual(lines, [], 'this is the same, after all');
    });
  }
}
