// A .wasm of Limpet → a checked instance with typed views of its memory. Runtime-neutral: no
// node:*, no DOM.
//
// Linear memory never grows, so the views and every address stay good for the instance's life.

import { instantiateSync } from '@assemblyscript/loader';
import {
  ABI_VERSION,
  ErrorCode,
  EventRing,
  FEATURE_EXPORTS,
  FieldRecord,
  Option,
  Region,
  StatsRecord,
  StatsRecordTypes,
  type LimpetExports,
} from '../../build/limpet.abi.js';

/** What a call of the core, or of a host, refused; `code` is an ErrorCode. */
export class LimpetError extends Error {
  override name = 'LimpetError';

  constructor(
    message: string,
    readonly code: ErrorCode,
  ) {
    super(`${message}: ${errorName(code)}`);
  }
}

const ERROR_NAMES = new Map<number, string>(
  Object.entries(ErrorCode).map(([name, code]) => [code, name]),
);

/** An ErrorCode's name: -22 → "CONTROL_FRAGMENTED". */
export function errorName(code: number): string {
  return ERROR_NAMES.get(code) ?? `error ${String(code)}`;
}

/** Counters of one instance, and how full its pools are: the fields of StatsRecord in the ABI. */
export type CoreStats = Fields<typeof StatsRecordTypes>;

/** What a record of the ABI holds, by the types of its fields. */
export type Fields<Types> = { [Name in keyof Types]: number };

type FieldType = 'u8' | 'u16' | 'u32' | 'i32' | 'u64';

/** Stand-ins for what a core may be built without: each answers UNSUPPORTED. */
const LEFT_OUT = Object.fromEntries(
  Object.keys(FEATURE_EXPORTS).map((name) => [name, () => ErrorCode.UNSUPPORTED]),
);

/** One instance of the core and the views through which a host drives it. */
export class Core {
  readonly exports: LimpetExports;
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly view: DataView;
  /** Where the bytes of one read go, and how many there may be. */
  readonly ingress: number;
  readonly ingressSize: number;
  /** Where strings go that are passed by pointer, and how many bytes there may be. */
  readonly scratch: number;
  readonly scratchSize: number;
  /** The event ring: index of its head and tail in `u32`, address of entry 0, entries - 1. */
  readonly ringHead: number;
  readonly ringTail: number;
  readonly ringBase: number;
  readonly ringMask: number;

  /**
   * Instantiates a module.
   *
   * @param wasm the bytes of build/limpet-*.wasm, or the module compiled from them
   * @throws Error when it is not Limpet, or of another ABI version
   */
  constructor(wasm: Uint8Array | WebAssembly.Module) {
    const { exports } = instantiateSync(wasm);
    this.exports = { ...LEFT_OUT, ...exports } as unknown as LimpetExports;
    if (typeof this.exports.limpet_abi_version !== 'function') {
      throw new Error('this WebAssembly module is not a Limpet core');
    }
    const version = this.exports.limpet_abi_version();
    if (version !== ABI_VERSION) {
      throw new Error(
        `the core has ABI version ${String(version)}, this host drives version ${String(ABI_VERSION)}`,
      );
    }
    const { buffer } = this.exports.memory;
    this.u8 = new Uint8Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.view = new DataView(buffer);
    this.ingress = this.exports.limpet_region(Region.INGRESS);
    this.ingressSize = this.exports.limpet_region_size(Region.INGRESS);
    this.scratch = this.exports.limpet_region(Region.SCRATCH);
    this.scratchSize = this.exports.limpet_region_size(Region.SCRATCH);
    const ring = this.exports.limpet_events();
    this.ringHead = (ring + EventRing.head) >>> 2;
    this.ringTail = (ring + EventRing.tail) >>> 2;
    this.ringBase = this.view.getUint32(ring + EventRing.base, true);
    this.ringMask = this.view.getUint32(ring + EventRing.mask, true);
  }

  /** Mixes entropy in, at least 32 bytes from a cryptographic source; client sessions need it. */
  seed(entropy: Uint8Array): void {
    this.u8.set(entropy, this.scratch);
    this.check('seed', this.exports.limpet_seed(this.scratch, entropy.length));
  }

  /** Sets a default of the sessions to come. */
  setDefault(option: Option, value: number): void {
    const name = Object.keys(Option).find((key) => Option[key as keyof typeof Option] === option);
    this.check(
      `option ${name ?? ''} = ${String(value)}`,
      this.exports.limpet_option_set(0, option, value),
    );
  }

  /** Passes an answer of the core on, or throws what it refused. */
  check(what: string, answer: number): number {
    if (answer < 0) throw new LimpetError(what, answer as ErrorCode);
    return answer;
  }

  /** The bytes a FieldRecord's value names, as they lie in linear memory; valid until the next call. */
  fieldValue(record: number): Uint8Array {
    const ptr = this.view.getUint32(record + FieldRecord.ptr, true);
    return this.u8.subarray(ptr, ptr + this.view.getUint32(record + FieldRecord.len, true));
  }

  /** The bytes a FieldRecord's name names; valid until the next call. */
  fieldName(record: number): Uint8Array {
    const ptr = this.view.getUint32(record + FieldRecord.namePtr, true);
    return this.u8.subarray(ptr, ptr + this.view.getUint32(record + FieldRecord.nameLen, true));
  }

  /**
   * Reads all fields of a record of the ABI that say something.
   *
   * @param at its address
   * @param offsets where its fields are, as the ABI has them
   * @param types what they are
   */
  record<Types extends Record<string, FieldType>>(
    at: number,
    offsets: Record<keyof Types, number>,
    types: Types,
  ): Fields<Types> {
    const fields: [string, number][] = Object.entries(types).map(([name, type]) => [
      name,
      this.#field(at + offsets[name], type),
    ]);
    return Object.fromEntries(fields) as Fields<Types>;
  }

  #field(at: number, type: FieldType): number {
    switch (type) {
      case 'u8':
        return this.view.getUint8(at);
      case 'u16':
        return this.view.getUint16(at, true);
      case 'u32':
        return this.view.getUint32(at, true);
      case 'i32':
        return this.view.getInt32(at, true);
      case 'u64':
        return Number(this.view.getBigUint64(at, true));
    }
  }

  /** Counters since the instantiation, and how full the pools are. */
  stats(): CoreStats {
    return this.record(this.exports.limpet_stats(), StatsRecord, StatsRecordTypes);
  }
}
