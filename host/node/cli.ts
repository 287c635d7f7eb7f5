// `limpet COMMAND ...` → its exit code: 0 done, 1 failed, 2 the command line was wrong.

import { build } from './commands/build.js';
import { memory } from './commands/memory.js';
import { serve } from './commands/serve.js';
import { UsageError } from './commands/arguments.js';
import { version } from './commands/version.js';

const USAGE = `limpet ${version()}: a WebSocket runtime that fits wherever a WebAssembly module can run

usage: limpet serve [options]        serve WebSockets
       limpet build [options]        make a core with limits of your own
       limpet memory PROFILE         show where a core's memory goes
       limpet COMMAND --help         more on a command
       limpet --version`;

const COMMANDS = new Map([
  ['serve', serve],
  ['build', build],
  ['memory', memory],
]);

async function main([name, ...args]: string[]): Promise<number> {
  if (name === '--version' || name === '-v') {
    console.log(version());
    return 0;
  }
  if (name === '--help' || name === '-h') {
    console.log(USAGE);
    return 0;
  }
  const command = COMMANDS.get(name ?? '');
  if (!command) {
    console.error(
      name === undefined ? USAGE : `limpet: there is no command ${name}; try limpet --help`,
    );
    return 2;
  }
  try {
    return await command(args);
  } catch (error) {
    console.error(
      `limpet ${String(name)}: ${error instanceof Error ? error.message : String(error)}`,
    );
    return error instanceof UsageError ? 2 : 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
