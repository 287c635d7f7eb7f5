// Values as users write them → values that are what their option wants, or an error that names it.

/** A whole number from `least` to `most`. */
export function whole(name: string, value: unknown, most = 0x7fff_ffff, least = 0): number {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
    throw new RangeError(
      `${name} is a whole number from ${String(least)} to ${String(most)}, not ${quoted(value)}`,
    );
  }
  return value as number;
}

/** A value as a message tells it: a number that is a string is seen to be one. */
function quoted(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** true or false. */
export function yes(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw new TypeError(`${name} is true or false`);
  return value;
}

/** One of the words of a table; what it stands for. */
export function word<T>(name: string, words: Readonly<Record<string, T>>, value: unknown): T {
  if (typeof value !== 'string' || !Object.hasOwn(words, value)) {
    throw new TypeError(`${name} is one of ${Object.keys(words).join(', ')}`);
  }
  return words[value];
}

/** A list that is not empty. */
export function list(name: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new TypeError(`${name} is a list of at least one`);
  }
  return value as readonly unknown[];
}

/** An object of which no other than these fields are known. */
export function fields(name: string, value: unknown, known: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${name} is an object of ${known.join(', ')}`);
  }
  for (const field of Object.keys(value)) {
    if (!known.includes(field)) throw new TypeError(`there is no option ${name}.${field}`);
  }
}

/** A function. */
export function callable(name: string, value: unknown): void {
  if (typeof value !== 'function') throw new TypeError(`${name} is a function`);
}
