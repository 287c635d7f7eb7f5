// Command line → checked values; what is wrong with it in one line.

import { parseArgs, type ParseArgsConfig } from 'node:util';

/** The command line was wrong: exit code 2. */
export class UsageError extends Error {}

/** parseArgs of node:util, strict, with a UsageError of one line. */
export function parse<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(message.split(/\.? *\n|\. /)[0]);
  }
}

/** A whole number given to a flag; undefined when the flag is absent. */
export function number(
  flag: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) {
    throw new UsageError(
      `--${flag} is a whole number from ${String(least)} to ${String(most)}, not "${text}"`,
    );
  }
  return value;
}

/** One of some words given to a flag; undefined when the flag is absent. */
export function wordOf<T extends string>(
  flag: string,
  text: string | undefined,
  words: readonly T[],
): T | undefined {
  if (text === undefined) return undefined;
  const word = words.find((one) => one === text);
  if (word === undefined) {
    throw new UsageError(`--${flag} is one of ${words.join(', ')}, not "${text}"`);
  }
  return word;
}
