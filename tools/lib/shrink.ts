// A module that asc optimised → a smaller one that does the same: Binaryen's passes once more.
//
// asc keeps functions with one caller apart and never looks at its own output again. Read back from
// bytes, with all of those inlined, the code falls by some 250 bytes.

import { loadBinaryen } from './asc.js';

/** Runs the passes of `wasm-opt -Oz` until nothing comes off any more. */
export async function shrink(wasm: Uint8Array, simd: boolean): Promise<Uint8Array> {
  const binaryen = await loadBinaryen();
  const { MVP, SIMD128, BulkMemory, SignExt, NontrappingFPToInt } = binaryen.Features;
  const features = simd ? SIMD128 | BulkMemory | SignExt | NontrappingFPToInt : MVP;
  const module = binaryen.readBinaryWithFeatures(wasm, features);
  // Settings of the library, which asc has left at its own.
  binaryen.setOptimizeLevel(2);
  binaryen.setShrinkLevel(2);
  binaryen.setOneCallerInlineMaxSize(-1); // any size
  binaryen.setAlwaysInlineMaxSize(2);
  binaryen.setFlexibleInlineMaxSize(20);
  binaryen.setZeroFilledMemory(true);
  binaryen.setGenerateStackIR(true);
  binaryen.setOptimizeStackIR(true);
  try {
    for (let best = wasm; ;) {
      module.optimize();
      const next = module.emitBinary();
      if (next.length >= best.length) return best;
      best = next;
    }
  } finally {
    module.dispose();
  }
}
