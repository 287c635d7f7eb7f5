// permessage-deflate → what the codec does beside Node's zlib and fflate, message by message, and what
// an echo server with it does beside `ws`. Each figure stands beside its aim.
//
// Codec times are CPU time of this process with all its threads, since zlib's streams work in others.
// The first two passes over a corpus are checked: what was compressed decodes to the message, by zlib with
// no more context than was agreed on.

import { readFileSync } from 'node:fs';
import { Core } from '../host/core/core.js';
import { CODECS, deflaters, inflaters, type Codec, type Task, type Work } from './codecs.js';
import { check, corpus } from './corpus.js';
import { BASE, choosePeers, DEFLATE_PEERS } from './peers.js';
import { QUICK, runRounds, type Figure, type Plan, type Rounds } from './rounds.js';
import { DEFLATE_ROWS, type Row } from './rows.js';
import { median, say, type BenchOptions, type Suite, type SuiteReport } from './suite.js';
import { significant, table, type Cells } from './table.js';

const WASM = 'build/limpet-server-simd.wasm';

const SIZES = [
  { name: '182', size: 182 },
  { name: '1K', size: 1024 },
  { name: '4K', size: 4096 },
  { name: '64K', size: 65536 },
];

interface Setting {
  level: number;
  takeover: boolean;
  /** Window bits. */
  bits: number;
}

/** Without context the largest window; with it what the profile keeps for a session. */
const SETTINGS: readonly Setting[] = [1, 6].flatMap((level) => [
  { level, takeover: false, bits: 15 },
  { level, takeover: true, bits: 11 },
]);
/** What a session's memory buys: ratios only. */
const SMALL_SETTINGS: readonly Setting[] = [9, 10, 11].map((bits) => ({
  level: 6,
  takeover: true,
  bits,
}));
const SMALL_SIZE = 182;
const UNTIMED: Timing = { seconds: 0, rounds: 0 };

/** How much larger than zlib's output, by level. */
const RATIO_AIM: Readonly<Record<number, string>> = { 1: '≤ +5 %', 6: '≤ +3 %' };
const INFLATE_AIM = '≥ 0.8';
/** By the row's name; the aims are beside what `ws` does by itself. */
const ECHO: Readonly<Record<string, { context: string; aim: string }>> = {
  takeover: { context: 'kept', aim: '≥ 8' },
  'takeover-11': { context: 'kept, 2 KiB', aim: '–' },
  'no-takeover': { context: '–', aim: '≥ 5' },
};

/** Three rows, three peers: 45 windows in about a minute, or two when they are disturbed. */
const FULL: Plan = {
  seconds: 1.2,
  warmup: 0.3,
  rounds: 5,
  patient: true,
  first: DEFLATE_ROWS,
  limit_s: 150,
};

/** One row of a codec table. */
interface CodecLine extends Setting {
  size: number;
  figures: Map<Codec, Measured>;
}

interface Measured {
  /** CPU time per message in each round, µs. */
  samples: number[];
  /** Their median. */
  micros: number;
  /** Bytes made for each byte that was taken. */
  ratio: number;
}

interface Timing {
  seconds: number;
  rounds: number;
}

/** What is measured, and who does it. */
const WORKERS = { deflate: deflaters, inflate: inflaters };
type Direction = keyof typeof WORKERS;

export const deflate: Suite = { name: 'deflate', run };

async function run(options: BenchOptions): Promise<SuiteReport> {
  const isChosen = (name: string): boolean => !options.only.length || options.only.includes(name);
  const sizes = SIZES.filter(({ name }) => isChosen(name)).map(({ size }) => size);
  const rows = DEFLATE_ROWS.filter(({ name }) => isChosen(name));
  if (!sizes.length && !rows.length)
    say(
      `deflate: no such row; there are ${[...SIZES, ...DEFLATE_ROWS].map(({ name }) => name).join(', ')}`,
    );
  const timing = {
    seconds: options.seconds ?? (options.quick ? 0.01 : 0.1),
    rounds: options.rounds ?? (options.quick ? 1 : 5),
  };
  const failures: string[] = [];
  const deflating = await runCodecs('deflate', sizes, SETTINGS, timing, failures);
  const inflating = await runCodecs('inflate', sizes, SETTINGS, timing, failures);
  const smallest = sizes.filter((size) => size === SMALL_SIZE);
  const small = await runCodecs('deflate', smallest, SMALL_SETTINGS, UNTIMED, failures);
  const plan = { ...FULL, ...(options.quick ? QUICK : {}) };
  const peers = choosePeers(DEFLATE_PEERS, options.peers);
  const echo = await runRounds('deflate echo', peers, rows, plan, options);
  failures.push(...echo.failures);
  const markdown = [
    renderDeflate(deflating),
    renderRatios('Deflate: ratio', deflating),
    renderInflate(inflating),
    renderRatios('Deflate: ratio, by the context kept', small),
    renderEcho(echo),
  ].filter((part) => part !== '');
  const data = {
    deflate: dataOf(deflating),
    inflate: dataOf(inflating),
    small: dataOf(small),
    echo,
  };
  return { markdown: markdown.join('\n\n'), data, failures };
}

// ---- the codec

async function runCodecs(
  name: Direction,
  sizes: number[],
  settings: readonly Setting[],
  timing: Timing,
  failures: string[],
): Promise<CodecLine[]> {
  const core = new Core(readFileSync(WASM));
  const lines: CodecLine[] = [];
  for (const size of sizes) {
    const messages = corpus(size);
    for (const setting of settings) {
      const title = `${name} ${size} B, level ${setting.level}, ${contextOf(setting)} of context`;
      try {
        const figures = await measure(name, core, { messages, ...setting }, timing);
        lines.push({ size, ...setting, figures });
        say(`${title}: ${[...figures].map(([codec, it]) => describe(codec, it)).join(', ')}`);
      } catch (error) {
        failures.push(`${title}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
  return lines;
}

function describe(codec: Codec, { micros, ratio }: Measured): string {
  return `${codec} ${significant(micros, 3)} µs (${significant(ratio, 3)})`;
}

async function measure(
  name: Direction,
  core: Core,
  task: Task,
  { seconds, rounds }: Timing,
): Promise<Map<Codec, Measured>> {
  const works = WORKERS[name](core, task);
  const figures = new Map<Codec, Measured>();
  try {
    for (const work of works) {
      const ratio = await prove(name, work, task);
      figures.set(work.codec, { samples: [], micros: NaN, ratio });
    }
    // Round 0 warms the code up and does not count.
    for (let round = 0; round <= rounds; round++) {
      for (const work of works) {
        const micros = await microsOf(work, task.messages.length, seconds);
        if (round > 0) figures.get(work.codec)?.samples.push(micros);
      }
    }
  } finally {
    for (const work of works) work.end();
  }
  for (const figure of figures.values()) figure.micros = median(figure.samples);
  return figures;
}

/** Checks what a work makes, in two passes; how much that is of what it takes, in the second. */
async function prove(name: Direction, work: Work, task: Task): Promise<number> {
  const { messages } = task;
  const see = (n: number, bytes: Uint8Array): void => {
    if (name === 'deflate') check(messages, n, task, bytes);
    else if (Buffer.compare(bytes, messages[n % messages.length]) !== 0)
      throw new Error(`${work.codec}: message ${n} comes out wrong`);
  };
  await work.pass(see);
  const bytes = await work.pass(see);
  return bytes / messages.reduce((sum, { length }) => sum + length, 0);
}

/** CPU time per message: whole passes for so many seconds. */
async function microsOf(work: Work, count: number, seconds: number): Promise<number> {
  const before = process.cpuUsage();
  const end = performance.now() + seconds * 1000;
  let messages = 0;
  do {
    await work.pass();
    messages += count;
  } while (performance.now() < end);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / messages;
}

// ---- tables

const NOTE = `CPU µs per message of JSON, each another one. Limpet: the core in V8, through its ABI. zlib: Node's
synchronous calls; with context, for which Node has none, a stream that is written and flushed for
each message as \`ws\` does. Context: the window that is kept from one message to the next.`;

function renderDeflate(lines: CodecLine[]): string {
  if (!lines.length) return '';
  const body = lines.map((line) => {
    const aim =
      line.size < 1024 ? '≥ 5' : line.size < 65536 ? '–' : line.level === 1 ? '≥ 1' : '≥ 0.7';
    return [...settingCells(line), ...microsCells(line), aim];
  });
  return `### Deflate: time\n\n${NOTE}\n\n${table([...SETTING_HEAD, ...MICROS_HEAD], body)}`;
}

function renderInflate(lines: CodecLine[]): string {
  if (!lines.length) return '';
  const body = lines.map((line) => [...settingCells(line), ...microsCells(line), INFLATE_AIM]);
  const note =
    "As above; what zlib made at that level comes in. fflate's streams end with a last block.";
  return `### Inflate: time\n\n${note}\n\n${table([...SETTING_HEAD, ...MICROS_HEAD], body)}`;
}

function renderRatios(title: string, lines: CodecLine[]): string {
  if (!lines.length) return '';
  const note = 'Compressed payload for each byte of message, over the same window.';
  const head = [...SETTING_HEAD, ...CODECS, 'Limpet to zlib', 'aim'];
  return `### ${title}\n\n${note}\n\n${table(head, lines.map(ratioRow))}`;
}

const SETTING_HEAD = ['bytes', 'level', 'context'];
const MICROS_HEAD = [...CODECS, 'zlib / Limpet', 'aim'];

function settingCells(line: CodecLine): Cells {
  return [line.size.toLocaleString('en-US'), String(line.level), contextOf(line)];
}

function contextOf({ takeover, bits }: Setting): string {
  if (!takeover) return '–';
  return bits < 10 ? `${2 ** bits} B` : `${2 ** (bits - 10)} KiB`;
}

function microsCells({ figures }: CodecLine): Cells {
  const micros = (codec: Codec): number => figures.get(codec)?.micros ?? NaN;
  const times = micros('zlib') / micros('Limpet');
  return [...CODECS.map((codec) => significant(micros(codec), 3)), significant(times, 2)];
}

function ratioRow(line: CodecLine): Cells {
  const ratio = (codec: Codec): number => line.figures.get(codec)?.ratio ?? NaN;
  const more = (ratio('Limpet') / ratio('zlib') - 1) * 100;
  return [
    ...settingCells(line),
    ...CODECS.map((codec) => significant(ratio(codec), 3)),
    `${more < 0 ? '−' : '+'}${Math.abs(more).toFixed(1)} %`,
    RATIO_AIM[line.level],
  ];
}

/** Rates beside the base's, and how small the answers are: who compresses less has less to do. */
function renderEcho({ lines, peers, unit, noise }: Rounds): string {
  if (!lines.length) return '';
  const others = peers.filter((peer) => peer !== BASE);
  const head = [
    ...['context', 'in flight', 'connections'],
    ...others.map((peer) => `${peer} (${BASE} = 1)`),
    'aim',
    ...peers.map((peer) => `${peer}, thousand`),
    ...peers.map((peer) => `${peer}: ratio`),
  ];
  const body = lines.map(({ row, figures }) => {
    const of = (peer: string): Figure | undefined => figures.find((one) => one.peer === peer);
    const rate = (peer: string): number => of(peer)?.rate ?? NaN;
    return [
      ...[ECHO[row.name].context, String(row.inflight), String(row.connections)],
      ...others.map((peer) => significant(rate(peer) / rate(BASE), 2)),
      ECHO[row.name].aim,
      ...peers.map((peer) => significant(rate(peer) / 1000, 3)),
      ...peers.map((peer) => significant(ratioOf(row, of(peer)), 3)),
    ];
  });
  const title = `### Echo with permessage-deflate: 1 KiB of JSON, messages per server ${unit}`;
  const note = `Level 6 on both sides, and Limpet at level 1 beside them; messages of any length, 64 different ones in
turn. By itself \`${BASE}\` keeps 32 KiB of each direction, Limpet 2 KiB. Ratio: of the answers.`;
  return [title, note, table(head, body), noise].join('\n\n');
}

/** Of the answers' payloads to the messages. */
function ratioOf({ size }: Row, figure: Figure | undefined): number {
  return median((figure?.samples ?? []).map(({ bytes, messages }) => bytes / messages / size));
}

// ---- data

function dataOf(lines: CodecLine[]): object[] {
  return lines.map(({ figures, ...line }) => ({ ...line, ...Object.fromEntries(figures) }));
}
