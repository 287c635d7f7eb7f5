// Group 15: offers of extensions and subprotocols. RFC 6455 9.1, 4.2.2; RFC 7692 7.1:
// "A server MUST decline an extension negotiation offer for this extension if any of the
// following conditions are met": an unknown parameter, a value out of range, a parameter twice.
import { group } from '../case.js';
import type { Draft } from '../case.js';
import { Failure } from '../client.js';
import { echoes, finishes } from '../expect.js';
import { TEXT } from '../frame.js';
import { upgradeRequest, valuesOf } from '../http.js';
import type { Response } from '../http.js';
import { accepted, hasNone, plus } from './handshake-acceptance.js';

const NEVER = ['x-unknown', 'x-unknown; level=3, x-other', 'x-unknown; text="token"; flag'];
const BAD_DEFLATE = [
  'permessage-deflate; server_max_window_bits=7',
  'permessage-deflate; server_max_window_bits=16',
  'permessage-deflate; x_unknown',
  'permessage-deflate; client_max_window_bits; client_max_window_bits',
];

/** No extension, or one permessage-deflate with parameters that RFC 7692 7.1 knows and `offer` allows. */
const isAnswerTo =
  (offer: string) =>
  (response: Response): void => {
    const values = valuesOf(response, 'sec-websocket-extensions');
    if (values.length === 0) return;
    const parameter =
      /^((server|client)_no_context_takeover|(server|client)_max_window_bits=("?)([89]|1[0-5])\4)$/;
    const [name, ...parameters] = values.join(',').split(/[\t ]*;[\t ]*/);
    const unasked = (p: string): boolean =>
      p.startsWith('client_max') && !offer.includes('client_max');
    if (name !== 'permessage-deflate' || !parameters.every((p) => parameter.test(p) && !unasked(p)))
      throw new Failure(`Sec-WebSocket-Extensions: ${values.join()}`);
  };

/** RFC 7692 wants these declined, so the handshake goes on without; to refuse it all is more than that. */
const declined = (offer: string): Draft => ({
  rfc: '7692 7.1',
  title: `offer "${offer}" is declined`,
  run: async (ctx) => {
    const client = await ctx.tcp();
    await client.send(plus(['Sec-WebSocket-Extensions', offer])(ctx.target));
    const response = await client.response();
    if (response?.status === 400) return ctx.nonStrict('the handshake is refused with 400');
    await ctx.upgraded(client);
    if (response) hasNone('sec-websocket-extensions')(response);
    await echoes(client, TEXT, Buffer.from('not compressed'));
    await finishes(client);
  },
});

const extensions = [
  accepted('no extension is answered when none is offered', (t) => upgradeRequest(t), {
    rfc: '6455 9.1',
    check: hasNone('sec-websocket-extensions'),
  }),
  accepted('no subprotocol is answered when none is offered', (t) => upgradeRequest(t), {
    rfc: '6455 4.2.2',
    check: hasNone('sec-websocket-protocol'),
  }),
  ...NEVER.map((offer) =>
    accepted(`extension offer "${offer}" is declined`, plus(['Sec-WebSocket-Extensions', offer]), {
      rfc: '6455 9.1',
      check: hasNone('sec-websocket-extensions'),
    }),
  ),
  accepted(
    'permessage-deflate is declined or well accepted',
    plus(['Sec-WebSocket-Extensions', 'permessage-deflate; client_max_window_bits']),
    {
      rfc: '7692 7.1',
      silent: true,
      check: isAnswerTo('permessage-deflate; client_max_window_bits'),
    },
  ),
  accepted(
    'permessage-deflate in a second header line behind an unknown extension',
    plus(
      ['Sec-WebSocket-Extensions', 'x-unknown'],
      ['Sec-WebSocket-Extensions', 'permessage-deflate'],
    ),
    { rfc: '6455 9.1', silent: true, check: isAnswerTo('permessage-deflate') },
  ),
  ...BAD_DEFLATE.map(declined),
  accepted(
    'of the subprotocols offered one or none is answered',
    plus(['Sec-WebSocket-Protocol', 'limpet.one, limpet.two']),
    {
      check: (response) => {
        const values = valuesOf(response, 'sec-websocket-protocol');
        if (values.length > 1 || values.some((v) => v !== 'limpet.one' && v !== 'limpet.two'))
          throw new Failure(`Sec-WebSocket-Protocol: ${values.join()}`);
      },
    },
  ),
];

export const handshakeExtensions = group(15, 'handshake extensions', [extensions]);
