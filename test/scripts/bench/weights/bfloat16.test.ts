import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

/** Runs a line of Python beside the benchmark's own modules. */
const python = (code: string): unknown => {
  const { stdout, stderr, status } = spawnSync('.venv/bin/python', ['-c', code], {
    encoding: 'utf8',
    env: { ...process.env, PYTHONPATH: 'scripts/bench/weights/python', OMP_NUM_THREADS: '1' },
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
};
const roundOnce = (values: readonly number[]): unknown => {
  const hex = Buffer.from(new Float64Array(values).buffer).toString('hex');
  return python(`
import json, numpy as np
from bfloat16 import round_once
print(json.dumps(round_once(np.frombuffer(bytes.fromhex("${hex}"), np.float64)).tolist()))`);
};

const TABLE: readonly (readonly [string, number, number])[] = [
  ['a value that is there', 1, 0x3f80],
  ['a tie, down to even', 1 + 2 ** -8, 0x3f80],
  ['a tie, up to even', 1 + 3 * 2 ** -8, 0x3f82],
  ['just above a tie, which two roundings would lose', 1 + 2 ** -8 + 2 ** -40, 0x3f81],
  ['just below a tie, which two roundings would lift', 1 + 3 * 2 ** -8 - 2 ** -40, 0x3f81],
  ['up to the next power of two', 2 - 2 ** -9, 0x4000],
  ['zero', 0, 0],
  ['zero below zero', -0, 0x8000],
  ['a negative value', -0.15625, 0xbe20],
  ['the smallest subnormal number', 2 ** -133, 1],
  ['half of it, to even', 2 ** -134, 0],
  ['a little more than half of it', 2 ** -134 * (1 + 2 ** -40), 1],
  ['a tie among subnormal numbers', 3 * 2 ** -134, 2],
  ['a tie at the smallest normal number', 2 ** -126 * (1 - 2 ** -8), 0x80],
  ['the smallest float64, negative', -5e-324, 0x8000],
  ['the largest number', (2 - 2 ** -7) * 2 ** 127, 0x7f7f],
  ['almost half a step above it', (2 - 2 ** -8 - 2 ** -50) * 2 ** 127, 0x7f7f],
  ['half a step above it', (2 - 2 ** -8) * 2 ** 127, 0x7f80],
  ['far above it', -1e300, 0xff80],
  ['infinity', Infinity, 0x7f80],
];

describe("the reference's rounding", () => {
  it('rounds once to nearest, ties to even', () => {
    const found = roundOnce(TABLE.map(([, value]) => value)) as number[];
    expect(TABLE.map(([name], i) => [name, found[i]])).toEqual(TABLE.map(([name, , bits]) => [name, bits]));
    expect(TABLE).toHaveLength(20);
  });

  it('keeps NaN a NaN', () => {
    const [bits = 0] = roundOnce([NaN]) as number[];
    expect(bits & 0x7f80).toBe(0x7f80);
    expect(bits & 0x7f).not.toBe(0);
  });

  it('gives back every bfloat16 that there is', () => {
    const changed = python(`
import json, numpy as np
from bfloat16 import round_once, widen
bits = np.arange(65536, dtype=np.uint16)
number = ~np.isnan(widen(bits))
print(json.dumps([int(number.sum()), int((round_once(widen(bits)) != bits)[number].sum())]))`);
    expect(changed).toEqual([65536 - 254, 0]);
  });
});
