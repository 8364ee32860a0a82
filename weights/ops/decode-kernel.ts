import { FLOAT_BYTES, type FloatDtype } from '../dtype.ts';

/**
 * Widens `count` little-endian elements of `dtype` at the start of `bytes` into float64, in `into[0..count)`.
 * Exact for all four dtypes: subnormals, -0 and infinities keep their value, NaN stays NaN. No rounding. `bytes` is not
 * changed. Throws RangeError where a buffer is too short or `bytes` is not aligned to its elements.
 */
export function decodeInto(dtype: FloatDtype, bytes: Uint8Array<ArrayBuffer>, count: number, into: Float64Array): void {
  if (
    bytes.byteLength < count * FLOAT_BYTES[dtype] ||
    into.length < count ||
    bytes.byteOffset % FLOAT_BYTES[dtype] !== 0
  ) {
    throw new RangeError(`decode: ${String(count)} elements of ${dtype} do not fit the buffers given`);
  }
  switch (dtype) {
    case 'BF16':
      decodeBf16(new Uint16Array(bytes.buffer, bytes.byteOffset, count), into);
      break;
    case 'F16':
      decodeF16(new Uint16Array(bytes.buffer, bytes.byteOffset, count), into);
      break;
    case 'F32':
      into.set(new Float32Array(bytes.buffer, bytes.byteOffset, count));
      break;
    case 'F64':
      into.set(new Float64Array(bytes.buffer, bytes.byteOffset, count));
      break;
  }
}

function decodeBf16(from: Uint16Array, into: Float64Array): void {
  const single = new Float32Array(1);
  const bits = new Uint32Array(single.buffer);
  for (let i = 0; i < from.length; i++) {
    bits[0] = from[i]! << 16;
    into[i] = single[0]!;
  }
}

function decodeF16(from: Uint16Array, into: Float64Array): void {
  const single = new Float32Array(1);
  const bits = new Uint32Array(single.buffer);
  // Placed in a float32's fields a half reads 2^112 times too small, subnormals included; the product is exact.
  const rescale = 2 ** 112;
  for (let i = 0; i < from.length; i++) {
    const half = from[i]!;
    const special = (half & 0x7c00) === 0x7c00;
    bits[0] = ((half & 0x8000) << 16) | ((half & 0x7fff) << 13) | (special ? 0x7f800000 : 0);
    into[i] = special ? single[0]! : single[0]! * rescale;
  }
}
