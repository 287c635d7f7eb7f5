// All cases, in the order of their ids.
import type { Case } from '../case.js';
import { abruptEnds } from './abrupt-ends.js';
import { bigMessages } from './big-messages.js';
import { closeCodes } from './close-codes.js';
import { closing } from './closing.js';
import { deflateBlocks } from './deflate-blocks.js';
import { deflateContext } from './deflate-context.js';
import { deflateEcho } from './deflate-echo.js';
import { deflateFrames } from './deflate-frames.js';
import { deflateLimits } from './deflate-limits.js';
import { deflateOffers } from './deflate-offers.js';
import { deflateParameters } from './deflate-parameters.js';
import { deflateRefused } from './deflate-refused.js';
import { fragmentation } from './fragmentation.js';
import { fragmentationRefused } from './fragmentation-refused.js';
import { framing } from './framing.js';
import { handshakeAccepted } from './handshake-accepted.js';
import { handshakeCuts } from './handshake-cuts.js';
import { handshakeExtensions } from './handshake-extensions.js';
import { handshakeRefused } from './handshake-refused.js';
import { httpAbuse } from './http-abuse.js';
import { httpSizes } from './http-sizes.js';
import { lengths } from './lengths.js';
import { manyFragments } from './many-fragments.js';
import { masking } from './masking.js';
import { pings } from './pings.js';
import { reservedBits } from './reserved-bits.js';
import { reservedOpcodes } from './reserved-opcodes.js';
import { roundTrips } from './round-trips.js';
import { utf8Early } from './utf8-early.js';
import { utf8Invalid } from './utf8-invalid.js';
import { utf8Valid } from './utf8-valid.js';
import { violations } from './violations.js';

export const CASES: Case[] = [
  framing,
  pings,
  reservedBits,
  reservedOpcodes,
  fragmentation,
  fragmentationRefused,
  utf8Valid,
  utf8Invalid,
  utf8Early,
  closing,
  closeCodes,
  masking,
  lengths,
  handshakeAccepted,
  handshakeExtensions,
  handshakeCuts,
  handshakeRefused,
  httpAbuse,
  httpSizes,
  bigMessages,
  manyFragments,
  roundTrips,
  abruptEnds,
  violations,
  deflateEcho,
  deflateParameters,
  deflateContext,
  deflateFrames,
  deflateBlocks,
  deflateRefused,
  deflateLimits,
  deflateOffers,
].flat();
