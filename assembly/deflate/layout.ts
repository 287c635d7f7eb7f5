// Where each table of the deflate codec lies in the CODEC region, and how large it is.

import { DEFLATE } from '../profile';

/** Bytes of the CODEC region. */
export const CODEC_BYTES: i32 = DEFLATE ? 16 : 0;
