// Group 11: which codes may stand in a Close frame. RFC 6455 7.4,
// and IANA's "WebSocket Close Code Number Registry" for 1012-1014.
import { group } from '../case.js';
import type { Draft } from '../case.js';
import { Failure } from '../client.js';
import { describe, refusal } from '../expect.js';
import { close } from '../frame.js';

const VALID = [
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
];

const INVALID: [code: number, why: string][] = [
  [0, 'below 1000'],
  [1, 'below 1000'],
  [999, 'below 1000'],
  [1004, 'reserved'],
  [1005, 'never on the wire'],
  [1006, 'never on the wire'],
  [1015, 'never on the wire'],
  [1016, 'not defined'],
  [1100, 'not defined'],
  [2000, 'not defined'],
  [2999, 'not defined'],
  [5000, 'above 4999'],
  [65535, 'above 4999'],
];

const echoed = (code: number, reason: string): Draft => ({
  rfc: '6455 7.4',
  title: `Close ${code}${reason && ' with a reason'} is answered with ${code}`,
  run: async (ctx) => {
    const client = await ctx.open();
    await client.send(close(code, reason));
    const event = await client.next(`Close ${code}`);
    if (event.kind !== 'close' || event.code !== code)
      throw new Failure(`${describe(event)} came; expected Close ${code}`);
    const end = await client.next('the end of TCP');
    if (end.kind !== 'end' || !end.clean) throw new Failure(`${describe(end)} came; expected FIN`);
  },
});

const refused = (code: number, why: string, reason: string): Draft =>
  refusal('6455 7.4', `Close ${code} (${why})${reason && ' with a reason'}`, 1002, () =>
    close(code, reason),
  );

export const closeCodes = group(11, 'close codes', [
  VALID.map((code) => echoed(code, '')),
  VALID.map((code) => echoed(code, 'because')),
  INVALID.map(([code, why]) => refused(code, why, '')),
  INVALID.map(([code, why]) => refused(code, why, 'because')),
]);
