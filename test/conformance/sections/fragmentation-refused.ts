// Group 6: stray continuations, messages inside messages, control frames in fragments. RFC 6455 5.4:
// "Control frames themselves MUST NOT be fragmented."
import { group } from '../case.js';
import { ascii, byteByByte, earlyRefusal, refusal, wantPong, wantText } from '../expect.js';
import {
  BINARY,
  CLOSE,
  closePayload,
  continuation,
  frame,
  ping,
  PING,
  PONG,
  TEXT,
  text,
} from '../frame.js';

const first = (): Buffer => text('first ', { fin: false });
const last = (): Buffer => continuation('last');

const good = { before: [wantText('good')] };
const stray = (
  [
    ['with FIN', true],
    ['without FIN', false],
  ] as const
).flatMap(([how, fin]) => [
  refusal('6455 5.4', `stray continuation ${how}`, 1002, () => continuation('stray', { fin })),
  refusal('6455 5.4', `stray empty continuation ${how}`, 1002, () => continuation('', { fin })),
  refusal(
    '6455 5.4',
    `stray continuation ${how} after a text`,
    1002,
    () => [text('good'), continuation('stray', { fin })],
    good,
  ),
  refusal(
    '6455 5.4',
    `stray continuation ${how} after a fragmented text`,
    1002,
    () => [text('go', { fin: false }), continuation('od'), continuation('stray', { fin })],
    good,
  ),
  refusal('6455 5.4', `stray continuation ${how} before a text`, 1002, () => [
    continuation('stray', { fin }),
    text('late'),
  ]),
  refusal(
    '6455 5.4',
    `stray continuation ${how}, byte by byte`,
    1002,
    () => continuation('stray', { fin }),
    { sending: byteByByte },
  ),
]);

const inside = [
  ['text inside a fragmented text', TEXT, TEXT],
  ['binary inside a fragmented text', TEXT, BINARY],
  ['text inside a fragmented binary', BINARY, TEXT],
  ['binary inside a fragmented binary', BINARY, BINARY],
] as const;

const nested = inside.flatMap(([name, outer, inner]) => [
  refusal('6455 5.4', name, 1002, () => [
    frame({ opcode: outer, fin: false }),
    frame({ opcode: inner, payload: ascii(3) }),
  ]),
  refusal(
    '6455 5.4',
    `${name}, itself without FIN, byte by byte`,
    1002,
    () => [
      frame({ opcode: outer, fin: false, payload: ascii(3) }),
      frame({ opcode: inner, fin: false, payload: ascii(3) }),
    ],
    { sending: byteByByte },
  ),
]);

const late = [
  refusal(
    '6455 5.4',
    'text inside a fragmented text after two fragments and a ping',
    1002,
    () => [first(), continuation('more', { fin: false }), ping('p'), text('bad')],
    { before: [wantPong('p')] },
  ),
  earlyRefusal('6455 5.4', 'text inside a fragmented text, refused at its header', 1002, () => {
    const bytes = text(ascii(50));
    return { head: Buffer.concat([first(), bytes.subarray(0, 6)]), rest: bytes.subarray(6) };
  }),
  earlyRefusal('6455 5.4', 'stray continuation, refused at its header', 1002, () => {
    const bytes = continuation(ascii(50));
    return { head: bytes.subarray(0, 6), rest: bytes.subarray(6) };
  }),
];

const CONTROLS = [
  ['ping', PING, Buffer.from('p')],
  ['pong', PONG, Buffer.from('p')],
  ['Close', CLOSE, closePayload(1000)],
] as const;

const fragmentedControls = CONTROLS.flatMap(([name, opcode, payload]) => [
  refusal('6455 5.5', `${name} without FIN`, 1002, () => frame({ opcode, payload, fin: false })),
  refusal('6455 5.5', `${name} without FIN and its continuation`, 1002, () => [
    frame({ opcode, payload, fin: false }),
    continuation('rest'),
  ]),
  refusal('6455 5.5', `${name} without FIN inside a fragmented text`, 1002, () => [
    first(),
    frame({ opcode, payload, fin: false }),
    last(),
  ]),
]);

export const fragmentationRefused = group(6, 'fragmentation refused', [
  stray,
  [...nested, ...late],
  fragmentedControls,
]);
