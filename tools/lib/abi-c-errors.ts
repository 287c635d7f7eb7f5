// What each ErrorCode means → LIMPET_ERROR_CODES(X) in limpet_core.h: words for people, made once.
//
//   RSV = -20   "A reserved bit is set …: 1002. FRAME. RFC 6455 5.2."  ─►  X(RSV, -20, "A reserved bit is set …: 1002. RFC 6455 5.2")

import type { AbiEnum } from './abi-model.js';

export function writeErrorCodes({ members }: AbiEnum): string {
  const lines = Object.entries(members).map(
    ([name, { value, doc }]) => `  X(${name}, ${value}, ${JSON.stringify(wordsOf(doc))})`,
  );
  return `/* X(name, value, what it means) for each code of enum limpet_error_code. */\n#define LIMPET_ERROR_CODES(X) \\\n${lines.join(' \\\n')}`;
}

/** What is said of `remaining` (FRAME, CLOSE) is for hosts, not for who reads the words. */
function wordsOf(doc: string): string {
  return doc
    .replaceAll('\n', ' ')
    .replace(/ FRAME(?=[.,])[^.]*\./, '')
    .replace(/ CLOSE(?=[.:])[^.]*\./, '')
    .replace(/\.$/, '');
}
