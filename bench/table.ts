// Figures → Markdown tables, and the line that says what machine they are of.

import { readFileSync } from 'node:fs';
import { cpus, platform, release } from 'node:os';
import { BASE } from './peers.js';
import type { Line, Rounds } from './rounds.js';
import type { Row } from './rows.js';

export type Cells = readonly string[];

/** The native peer that has no protocol. */
const RAW = 'epoll';

/** What stands to the left of the peers. */
interface Columns {
  head: Cells;
  of(row: Row): Cells;
}

/** What has to be known to read a table. */
const NOTES = {
  echo:
    '`limpet` is its own face, `limpet/ws` the program of `ws` with another import. `net` is a bare TCP ' +
    "echo on Node's streams, `net one buffer` one that reads all connections into one buffer and writes past " +
    'the streams: what a socket costs without any protocol. Compression is off.',
  fanout: 'One connection publishes to a room; `ws` goes over its clients.',
  native:
    '`epoll` is a bare TCP echo in C, one read and one write each time: what a socket costs without any protocol. ' +
    "`limpetd` runs the core as C made by wasm2c, `limpetd/wamr` in WAMR's fast interpreter, `limpet` in Node. " +
    'One thread each, compression off, load generators in C.',
  nativeFanout:
    'One connection publishes to a room. `epoll` sends bytes on as they come, `wslay` and `ws` go over their ' +
    'clients, in libwebsockets each client goes along one list of messages.',
  handshakes:
    '`net` answers with fixed bytes, without having read the request, and ends when more comes.',
} as const;

/** CPU, cores, system, Node and day: absolute figures mean nothing without them. */
export function machineLine(): string {
  const cores = cpus();
  const model = cpuModel() ?? cores[0]?.model ?? 'unknown CPU';
  const day = new Date().toISOString().slice(0, 10);
  return `${model}, ${cores.length} cores, ${platform()} ${release()}, Node ${process.version}, ${day}`;
}

/** Two tables: rates beside the base's, which is 1, the rates themselves in thousands, and a word on noise. */
export function renderEcho(result: Rounds): string {
  return renderRounds('Echo: messages', trafficCells('connections'), NOTES.echo, result);
}

/** The same for deliveries: a message to one subscriber each. */
export function renderFanout(result: Rounds): string {
  return renderRounds('Fan-out: deliveries', trafficCells('subscribers'), NOTES.fanout, result);
}

/** The same of servers in C, and beside the raw one, too. */
export function renderNativeEcho(result: Rounds): string {
  const columns = trafficCells('connections');
  return renderRounds('Native echo: messages', columns, NOTES.native, result, [BASE, RAW]);
}

export function renderNativeFanout(result: Rounds): string {
  const columns = trafficCells('subscribers');
  return renderRounds('Native fan-out: deliveries', columns, NOTES.nativeFanout, result, [
    BASE,
    RAW,
  ]);
}

/** The same for connections that come, upgrade and go. */
export function renderHandshakes(result: Rounds): string {
  const columns = {
    head: ['connect, upgrade and', 'at a time'],
    of: ({ end, connections }: Row): Cells => [
      end === 'close' ? 'close handshake' : 'client leaves',
      String(connections),
    ],
  };
  return renderRounds('Handshakes: connections', columns, NOTES.handshakes, result);
}

/** A table for each of `bases`, whose rate is 1 in it, and one of the rates themselves. */
function renderRounds(
  title: string,
  columns: Columns,
  note: string,
  result: Rounds,
  bases: readonly string[] = [BASE],
): string {
  const head = [...columns.head, ...result.peers];
  const rates = (cell: (rate: number, line: Line) => string): string =>
    table(
      head,
      result.lines.map((line) => [
        ...columns.of(line.row),
        ...line.figures.map((figure) => cell(figure.rate, line)),
      ]),
    );
  const rateOf = (line: Line, peer: string): number =>
    line.figures.find((figure) => figure.peer === peer)?.rate ?? NaN;
  const clock =
    result.unit === 'second'
      ? '\n\nBy the wall clock: CPU times are not to be had here, so a slow generator caps these.'
      : '';
  const [first = '', ...others] = bases
    .filter((base) => result.peers.includes(base))
    .map((base) =>
      [
        `### ${title} per server ${result.unit}, ${base} = 1${clock}`,
        rates((rate, line) => significant(rate / rateOf(line, base), 2)),
      ].join('\n\n'),
    );
  return [
    first,
    [note, result.noise].join(' '),
    ...others,
    `### ${title} per server ${result.unit}, thousands`,
    rates((rate) => significant(rate / 1000, 3)),
  ].join('\n\n');
}

/** A Markdown table, padded so that it reads well unrendered; figures flush right. */
export function table(head: Cells, body: readonly Cells[]): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...body].map((cells) => (cells[column] ?? '').length)),
  );
  const line = (cells: Cells): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padStart(width)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => `${'-'.repeat(width - 1)}:`).join(' | ')} |`;
  return [line(head), rule, ...body.map(line)].join('\n');
}

/** 0.8349 → 0.83, 23.7 → 24, 1234 → 1,200 with two digits; a dash for what was not measured. */
export function significant(value: number, digits: number): string {
  if (!Number.isFinite(value)) return '–';
  return value.toLocaleString('en-US', {
    minimumSignificantDigits: digits,
    maximumSignificantDigits: digits,
  });
}

function trafficCells(whom: string): Columns {
  return {
    head: ['payload', 'in flight', whom],
    of: ({ size, inflight, connections }) => {
      const payload =
        size % 2 ** 20 === 0
          ? `${size / 2 ** 20} MiB`
          : size % 2 ** 10 === 0
            ? `${size / 2 ** 10} KiB`
            : `${size} B`;
      return [payload, String(inflight), String(connections)];
    },
  };
}

function cpuModel(): string | undefined {
  try {
    return /^model name\s*:\s*(.+)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
