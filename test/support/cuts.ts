// The length of an input → the ways in which it is fed. A stream may be cut anywhere, and the log
// must be the same at every cut.

/** Points at which an input is cut, in rising order, and whether pieces lie at the region's end. */
export interface Cutting {
  name: string;
  points: number[];
  flush: boolean;
}

/** Inputs of more bytes than this are cut at their first and last EDGE bytes and at SPREAD places between. */
const EVERYWHERE_MAX = 160;
const EDGE = 40;
const SPREAD = 24;
/** One byte at a time up to here; what is longer goes on in pieces of a prime number of bytes. */
const SINGLE_MAX = 2000;
const PIECE = 997;

/** Whole, byte by byte, and in two at every cut. */
export function cuttings(length: number, cuts: boolean): Cutting[] {
  const whole = [false, true].map((flush) => ({ name: 'whole', points: [], flush }));
  if (!cuts || length < 2) return whole;
  const single = singlePoints(length);
  return [
    ...whole,
    { name: 'byte by byte', points: single, flush: false },
    { name: 'byte by byte', points: single, flush: true },
    ...twoParts(length).map((at) => ({ name: `cut at ${at}`, points: [at], flush: at % 2 === 0 })),
  ];
}

function singlePoints(length: number): number[] {
  const points: number[] = [];
  for (let at = 1; at < length; at += at < SINGLE_MAX ? 1 : PIECE) points.push(at);
  return points;
}

function twoParts(length: number): number[] {
  const all = Array.from({ length: length - 1 }, (_, i) => i + 1);
  if (length <= EVERYWHERE_MAX) return all;
  const step = Math.floor((length - 2 * EDGE) / SPREAD);
  return all.filter((at) => at <= EDGE || at >= length - EDGE || (at - EDGE) % step === 0);
}

/** A piece of the input that begins at `from` → its parts. */
export function cutUp(bytes: Buffer, from: number, { points }: Cutting): Buffer[] {
  const inside = points.filter((at) => at > from && at < from + bytes.length);
  return [from, ...inside].map((at, i) =>
    bytes.subarray(at - from, (inside[i] ?? from + bytes.length) - from),
  );
}
