// What build/limpet.abi.json holds.

export interface Abi {
  name: string;
  /** The package's version. */
  version: string;
  /** What limpet_abi_version() answers. */
  abiVersion: number;
  /** Every parameter and every result is an i32. */
  functions: AbiFunction[];
  constants: Record<string, AbiValue>;
  enums: Record<string, AbiEnum>;
  records: Record<string, AbiRecord>;
}

export interface AbiFunction {
  name: string;
  doc: string;
  params: { name: string; doc: string }[];
  returns: string;
  /** Only cores whose profile has this feature export it; absent when all do. */
  feature?: string;
}

export interface AbiValue {
  value: number;
  doc: string;
}

export interface AbiEnum {
  doc: string;
  members: Record<string, AbiValue>;
}

export interface AbiRecord {
  size: number;
  align: number;
  doc: string;
  fields: Record<string, AbiField>;
}

export interface AbiField {
  offset: number;
  type: AbiType;
  size: number;
  doc: string;
}

export type AbiType = keyof typeof TYPE_BYTES;

/** Bytes of a field, which are its alignment too. */
export const TYPE_BYTES = {
  u8: 1,
  i8: 1,
  bool: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  usize: 4,
  u64: 8,
  i64: 8,
} as const;
