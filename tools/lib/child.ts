// A command → its exit code. Signals sent to this process reach the command, and the command's
// end is this process's end.

import { spawn } from 'node:child_process';

/** Runs a Node program with the terminal's own streams; 128 and more for an end by a signal. */
export async function runNode(args: string[]): Promise<number> {
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  const pass = (signal: NodeJS.Signals): void => {
    // Ctrl-C in a terminal reaches the command by itself; twice might mean "at once" to it.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  };
  process.on('SIGINT', pass).on('SIGTERM', pass);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        resolve(code ?? (signal === 'SIGINT' ? 130 : 143));
      });
    });
  } finally {
    process.off('SIGINT', pass).off('SIGTERM', pass);
  }
}
