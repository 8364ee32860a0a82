/** Bits of one element of every dtype that the safetensors format names. */
const BITS = {
  F64: 64,
  F32: 32,
  F16: 16,
  BF16: 16,
  F8_E4M3: 8,
  F8_E5M2: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  F6_E2M3: 6,
  F6_E3M2: 6,
  F4: 4,
  C64: 64,
  I64: 64,
  I32: 32,
  I16: 16,
  I8: 8,
  U64: 64,
  U32: 32,
  U16: 16,
  U8: 8,
  BOOL: 8,
} as const;

/** An element type of the safetensors format. */
export type Dtype = keyof typeof BITS;

/** The dtypes that arithmetic is done on; every other one is refused by name, never skipped. */
export type FloatDtype = 'BF16' | 'F16' | 'F32' | 'F64';

/** Bytes of one element of a dtype that arithmetic is done on. */
export const FLOAT_BYTES: Readonly<Record<FloatDtype, number>> = { BF16: 2, F16: 2, F32: 4, F64: 8 };

/** True for a dtype that the format names. */
export function isDtype(value: unknown): value is Dtype {
  return typeof value === 'string' && Object.hasOwn(BITS, value);
}

/** True for a dtype that the engine can add and subtract. */
export function isFloatDtype(value: unknown): value is FloatDtype {
  return value === 'BF16' || value === 'F16' || value === 'F32' || value === 'F64';
}

/** Bytes of one element; a fraction for dtypes of fewer than eight bits. */
export function dtypeBytes(dtype: Dtype): number {
  return BITS[dtype] / 8;
}

/** Bytes of `count` packed elements, or null where they do not fill whole bytes or exceed 2^53 - 1. */
export function packedBytes(dtype: Dtype, count: number): number | null {
  const bits = BITS[dtype] * count;
  return Number.isSafeInteger(bits) && bits % 8 === 0 ? bits / 8 : null;
}
