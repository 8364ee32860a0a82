import { isFinite64 } from './scalar';

export function countNonFinite(values: usize, count: usize): usize {
  let found: usize = 0;
  const end = values + (count << 3);
  for (let at = values; at < end; at += 8) found += usize(!isFinite64(load<f64>(at)));
  return found;
}

export function countNewNonFinite(out: usize, reference: usize, count: usize): usize {
  let found: usize = 0;
  const bytes = count << 3;
  for (let at: usize = 0; at < bytes; at += 8) {
    found += usize(!isFinite64(load<f64>(out + at))) & usize(isFinite64(load<f64>(reference + at)));
  }
  return found;
}
