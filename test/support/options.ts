// Names of a vector's settings → values of the ABI's options.

import { Delivery, FullPolicy, RatePolicy } from '../../build/limpet.abi.js';

const WORDS: Record<string, Record<string, number>> = {
  delivery: Delivery,
  full_policy: FullPolicy,
  rate_policy: RatePolicy,
};

/** `delivery`, `stream` → 1; a number for any option stands for itself. */
export function optionValue(name: string, value: string): number {
  if (/^-?\d+$/.test(value)) return Number(value);
  const number = WORDS[name]?.[value.toUpperCase()];
  if (number === undefined) throw new Error(`option ${name} has no value ${value}`);
  return number;
}
