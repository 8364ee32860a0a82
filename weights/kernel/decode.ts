import { Bf16, F16, loadFour, loadOne } from './element';
import { promoteHigh, promoteLow } from './lanes';

export function decodeBf16(source: usize, count: usize, into: usize): void {
  decode<Bf16>(source, count, into);
}

export function decodeF16(source: usize, count: usize, into: usize): void {
  decode<F16>(source, count, into);
}

export function decodeF32(source: usize, count: usize, into: usize): void {
  decode<f32>(source, count, into);
}

export function decodeF64(source: usize, count: usize, into: usize): void {
  memory.copy(into, source, count << 3);
}

// @ts-ignore: decorator
@inline function decode<T>(source: usize, count: usize, into: usize): void {
  const whole = count & ~3;
  for (let i: usize = 0; i < whole; i += 4) {
    const four = loadFour<T>(source + i * sizeof<T>());
    v128.store(into + (i << 3), promoteLow(four));
    v128.store(into + (i << 3), promoteHigh(four), 16);
  }
  for (let i = whole; i < count; i++) store<f64>(into + (i << 3), loadOne<T>(source + i * sizeof<T>()));
}
