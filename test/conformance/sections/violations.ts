// Group 24: sixteen hand-made frames that Limpet and its peers are compared by; all to be refused.
// Each is written out: first byte, MASK and length, masking key 00000000, payload. RFC 6455 5-8.
import { group } from '../case.js';
import type { Draft } from '../case.js';
import { hex, refusal } from '../expect.js';

const violation = (rfc: string, title: string, code: number, digits: string): Draft =>
  refusal(rfc, title, code, () => hex(digits));

const KEY = '00000000';
const PAYLOAD_126 = '61'.repeat(126);

export const violations = group(24, 'violations', [
  [
    violation('6455 5.2', 'RSV1 on a text', 1002, `c1 81 ${KEY} 61`),
    violation('6455 5.2', 'RSV2 on a text', 1002, `a1 81 ${KEY} 61`),
    violation('6455 5.2', 'RSV3 on a text', 1002, `91 81 ${KEY} 61`),
    violation('6455 5.2', 'reserved data opcode 3', 1002, `83 81 ${KEY} 61`),
    violation('6455 5.2', 'reserved control opcode 11', 1002, `8b 81 ${KEY} 61`),
    violation('6455 5.5', 'ping of 126 bytes', 1002, `89 fe 007e ${KEY} ${PAYLOAD_126}`),
    violation('6455 5.5', 'ping without FIN', 1002, `09 81 ${KEY} 61`),
    violation('6455 5.4', 'stray continuation', 1002, `80 81 ${KEY} 61`),
    violation(
      '6455 5.4',
      'new text inside a fragmented one',
      1002,
      `01 81 ${KEY} 61 81 81 ${KEY} 62`,
    ),
    violation('6455 8.1', 'text that is not UTF-8', 1007, `81 82 ${KEY} c0af`),
    violation('6455 5.2', 'length of 1 in 16 bits', 1002, `81 fe 0001 ${KEY} 61`),
    violation('6455 5.2', 'length of 1 in 64 bits', 1002, `81 ff 0000000000000001 ${KEY} 61`),
    violation('6455 5.1', 'unmasked text', 1002, '81 01 61'),
    violation('6455 5.5.1', 'Close with a payload of one byte', 1002, `88 81 ${KEY} 03`),
    violation('6455 7.4.1', 'Close with code 1005', 1002, `88 82 ${KEY} 03ed`),
    violation('6455 5.5.1', 'Close with a reason that is not UTF-8', 1007, `88 83 ${KEY} 03e8 ff`),
  ],
]);
