// `node --import ./test/interop/alias.mjs program` → whoever asks for `ws`, by import or require, gets the
// built limpet/ws: also packages that know nothing of it.

import Module, { register } from 'node:module';
import { fileURLToPath } from 'node:url';

const cjs = fileURLToPath(new URL('../../build/ws.cjs', import.meta.url));

const resolveFilename = Module._resolveFilename;
Module._resolveFilename = function (request, ...rest) {
  return request === 'ws' ? cjs : resolveFilename.call(this, request, ...rest);
};

register('./alias-hooks.mjs', import.meta.url);
