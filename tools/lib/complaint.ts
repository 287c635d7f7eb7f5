// What the user did or wrote wrong → one clear line instead of a stack trace.

/** An error whose message is all the user needs; tools/run.mjs prints it and exits with 1. */
export class Complaint extends Error {
  override name = 'Complaint';
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
