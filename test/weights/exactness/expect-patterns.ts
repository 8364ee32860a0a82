import { expect } from 'vitest';
import { readTensorBytes } from '../../support/safetensors.ts';
import type { Format } from '../kernel/oracle.ts';
import type { Drawn } from './operands.ts';
import { loadPatterns, type Triple } from './reference.ts';

/** What an output tensor is expected to hold. */
export interface Expectation {
  /** What the output is stored as; null: each tensor as in the target. */
  readonly out: Format | null;
  readonly bitsOf: (out: Format, triple: Triple) => bigint;
}

/** Every element of every tensor of a written model against the reference, bit by bit. */
export async function expectPatterns(
  folder: string,
  drawn: readonly Drawn[],
  { out, bitsOf }: Expectation,
): Promise<void> {
  const tensors = await readTensorBytes(folder);
  expect([...tensors.keys()].sort()).toEqual(drawn.map(({ mix }) => mix.name).sort());
  for (const { mix, elements } of drawn) {
    const format = out ?? mix.target;
    const found = loadPatterns(format, tensors.get(mix.name) ?? new Uint8Array());
    expect(found).toHaveLength(elements.length);
    for (const [index, triple] of elements.entries()) {
      const expected = bitsOf(format, triple);
      if (found[index] !== expected) expect.fail(describe(mix.name, index, triple, found[index], expected));
    }
  }
}

function describe(name: string, index: number, triple: Triple, found: bigint | undefined, expected: bigint): string {
  const hex = (bits: bigint | undefined): string => (bits === undefined ? 'nothing' : `0x${bits.toString(16)}`);
  const operands = (['target', 'tuned', 'base'] as const).map((role) => `${role} ${hex(triple[role].bits)}`);
  return `${name}[${index}]: found ${hex(found)}, expected ${hex(expected)} from ${operands.join(', ')}`;
}
