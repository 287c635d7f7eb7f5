// Something that is to happen → a promise that says what did not happen, instead of a test that hangs.

/** How long a thing may take that takes milliseconds; a busy machine takes longer. */
export const PATIENCE_MS = 5000;

/** Passes a promise on, or rejects with `what` when it takes too long. */
export function within<T>(promise: Promise<T>, what: string, ms = PATIENCE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${what}: not within ${ms} ms`));
    }, ms);
  });
  return Promise.race([promise, late]).finally(() => {
    clearTimeout(timer);
  });
}

/** Turns of the event loop: whatever is under way in this process gets on. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Resolves when `test` holds; it is asked after each turn of the event loop. */
export async function until(test: () => boolean, what: string, ms = PATIENCE_MS): Promise<void> {
  const end_ms = performance.now() + ms;
  while (!test()) {
    if (performance.now() > end_ms) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** A window of time in which something must not happen. */
export function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
