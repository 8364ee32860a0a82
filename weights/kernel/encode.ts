import { Bf16, F16, storeEight, storeOne } from './element';

export function encodeBf16(values: usize, count: usize, into: usize): void {
  encode<Bf16>(values, count, into);
}

export function encodeF16(values: usize, count: usize, into: usize): void {
  encode<F16>(values, count, into);
}

export function encodeF32(values: usize, count: usize, into: usize): void {
  encode<f32>(values, count, into);
}

export function encodeF64(values: usize, count: usize, into: usize): void {
  encodeEach<f64>(values, 0, count, into);
}

// @ts-ignore: decorator
@inline function encode<T>(values: usize, count: usize, into: usize): void {
  const whole = count & ~7;
  for (let i: usize = 0; i < whole; i += 8) {
    const from = values + (i << 3);
    const at = into + i * sizeof<T>();
    if (!storeEight<T>(at, v128.load(from), v128.load(from, 16), v128.load(from, 32), v128.load(from, 48))) {
      encodeEach<T>(values, i, i + 8, into);
    }
  }
  encodeEach<T>(values, whole, count, into);
}

function encodeEach<T>(values: usize, from: usize, end: usize, into: usize): void {
  for (let i = from; i < end; i++) storeOne<T>(into + i * sizeof<T>(), load<f64>(values + (i << 3)));
}
