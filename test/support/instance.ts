// A path → an instance of the core whose calls can be followed by its own check, and be traced.
//
// After each call into a debug build limpet_debug_check is asked whether the module is sound.

import { readFileSync } from 'node:fs';
import { ErrorCode, FEATURE_EXPORTS, Region, type LimpetExports } from '../../build/limpet.abi.js';

/** The module is not sound after a call. */
export class Unsound extends Error {}

type Call = (...args: number[]) => number;

/** Calls that change nothing, which no check has to follow. */
const READ_ONLY =
  /^limpet_(abi_version|address|send_max|region|region_size|stats|option_get|session_info|session_next|rx_room|events|request_part|header_next|header|cookie|protocol_at|meta_get|meta_next)$/;

/** A call into the core, or bytes that were put into its memory. */
export type TraceEntry =
  { call: string; args: number[]; answer?: number } | { at: number; bytes: Buffer };

type DebugExports = LimpetExports & { limpet_debug_check?: () => number };

/** Compiled modules by path: they are instantiated often. */
const modules = new Map<string, WebAssembly.Module>();

function compile(path: string): WebAssembly.Module {
  let module = modules.get(path);
  if (!module) modules.set(path, (module = new WebAssembly.Module(readFileSync(path))));
  return module;
}

export class Instance {
  /** The exports, each followed by the check of a debug build. */
  readonly core: LimpetExports;
  readonly memory: Buffer;
  readonly view: DataView;
  readonly ingress: number;
  readonly ingressBytes: number;
  readonly scratch: number;
  readonly scratchBytes: number;
  /** Whether each call is followed by the check; a walk over 32 MiB of arena is not free. */
  checks = true;
  /** What was done, for a replay; kept when it is there. */
  trace: TraceEntry[] | undefined;
  readonly #check: (() => number) | undefined;

  constructor(readonly path: string) {
    const { exports } = new WebAssembly.Instance(compile(path), {});
    const raw = exports as unknown as DebugExports;
    this.#check = raw.limpet_debug_check;
    this.core = this.#guard(raw);
    this.memory = Buffer.from(raw.memory.buffer);
    this.view = new DataView(raw.memory.buffer);
    this.ingress = this.core.limpet_region(Region.INGRESS);
    this.ingressBytes = this.core.limpet_region_size(Region.INGRESS);
    this.scratch = this.core.limpet_region(Region.SCRATCH);
    this.scratchBytes = this.core.limpet_region_size(Region.SCRATCH);
    this.check();
  }

  get debug(): boolean {
    return this.#check !== undefined;
  }

  /** Asks a debug build whether it is sound. */
  check(call = 'limpet_debug_check'): void {
    const found = this.#check?.() ?? 0;
    if (found) throw new Unsound(`limpet_debug_check is ${found} after ${call}`);
  }

  #guard(raw: DebugExports): LimpetExports {
    // What the core was built without is refused as a host refuses it: see host/core/core.ts.
    const guarded: Record<string, unknown> = {};
    for (const name of Object.keys(FEATURE_EXPORTS)) guarded[name] = () => ErrorCode.UNSUPPORTED;
    Object.assign(guarded, raw);
    for (const [name, value] of Object.entries(raw as unknown as Record<string, unknown>)) {
      if (typeof value !== 'function' || name === 'limpet_debug_check') continue;
      if (READ_ONLY.test(name)) continue;
      const call = value as Call;
      guarded[name] = (...args: number[]) => {
        const entry: TraceEntry = { call: name, args };
        this.trace?.push(entry);
        const answer = call(...args);
        entry.answer = answer;
        if (this.checks && this.#check) this.check(`${name}(${args.join(', ')})`);
        return answer;
      };
    }
    return guarded as unknown as LimpetExports;
  }

  // -------------------------------------------------------------------- memory

  /** Puts bytes into linear memory. */
  write(at: number, bytes: Uint8Array): void {
    this.trace?.push({ at, bytes: Buffer.from(bytes) });
    this.memory.set(bytes, at);
  }

  /** Puts strings one behind the other into the scratch region; returns pointer, length, pointer ... */
  pass(...strings: (string | Uint8Array)[]): number[] {
    let at = this.scratch;
    return strings.flatMap((string) => {
      const bytes = Buffer.from(string);
      if (at + bytes.length > this.scratch + this.scratchBytes) {
        throw new Error(`the scratch region has ${this.scratchBytes} bytes only`);
      }
      this.write(at, bytes);
      at += bytes.length;
      return [at - bytes.length, bytes.length];
    });
  }

  u32(address: number): number {
    return this.view.getUint32(address, true);
  }

  copy(address: number, length: number): Buffer {
    return Buffer.from(this.memory.subarray(address, address + length));
  }

  /** A 64-bit counter of StatsRecord or SessionInfo. */
  u64(address: number): number {
    return Number(this.view.getBigUint64(address, true));
  }
}
