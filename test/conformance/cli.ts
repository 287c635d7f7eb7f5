// A command line for runConformance, once it is bundled:
//   esbuild test/conformance/cli.ts --bundle --platform=node --format=esm --outfile=cli.mjs
//   node cli.mjs ws://127.0.0.1:9001/echo, or wss:// [--filter 5.2] [--concurrency 4] [--require-deflate] [--json]
// --require-deflate: a server without permessage-deflate fails its cases.
// Exit 0: no FAILED and no NON-STRICT. Exit 1: some. Exit 2: a wrong command line, or no server.
import { parseArgs } from 'node:util';
import { runConformance, TargetError } from './run.js';
import type { ConformanceOptions } from './run.js';

const USAGE =
  'usage: node cli.mjs ws[s]://host:port/path [--filter 5.2,utf-8] [--concurrency 4] [--require-deflate] [--json]';

interface Arguments extends ConformanceOptions {
  url: string;
  json: boolean;
}

function readArguments(): Arguments {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      filter: { type: 'string', short: 'f' },
      concurrency: { type: 'string', short: 'c' },
      'require-deflate': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  if (positionals.length !== 1) throw new TargetError(USAGE);
  const { filter, concurrency, json } = values;
  if (concurrency !== undefined && !/^[1-9]\d?$/.test(concurrency))
    throw new TargetError(`--concurrency wants a number from 1 to 99, not "${concurrency}"`);
  return {
    url: positionals[0],
    json,
    requireDeflate: values['require-deflate'],
    ...(filter !== undefined && { filter }),
    ...(concurrency !== undefined && { concurrency: Number(concurrency) }),
  };
}

async function main(): Promise<number> {
  const { url, json, ...options } = readArguments();
  const report = await runConformance(url, { ...options, quiet: json });
  if (json) console.log(JSON.stringify({ url, ...report }, null, 2));
  return report.failed + report.nonStrict > 0 ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  const isArgument =
    error instanceof TypeError &&
    'code' in error &&
    String(error.code).startsWith('ERR_PARSE_ARGS');
  if (!(error instanceof TargetError) && !isArgument) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
