import { describe, expect, it } from 'vitest';
import { driftGroups, driftOf, type TensorDrift } from '../../../policy/connectivity/drift-groups.ts';

/** A tensor of two elements: how the base moved, what it was, and its part of Δ. */
function tensor(name: string, way: readonly number[], older: readonly number[], delta: readonly number[]): TensorDrift {
  const dot = way.reduce((sum, value, index) => sum + value * (delta[index] ?? 0), 0);
  const [norm, olderNorm, previousNorm] = [way, older, delta].map((values) => Math.hypot(...values));
  const [moved, carried] = [norm ?? 0, previousNorm ?? 0];
  return {
    name,
    norm: moved,
    relativeNorm: moved / (olderNorm ?? 0),
    cosine: dot / (moved * carried),
    previousNorm: carried,
  };
}

describe('driftOf', () => {
  it('takes all tensors as one vector', () => {
    const tensors = [tensor('one', [3, 0], [0, 6], [1, 1]), tensor('other', [0, 4], [8, 0], [0, -1])];
    const drift = driftOf(tensors);
    expect(drift.norm).toBeCloseTo(5, 12);
    expect(drift.relativeNorm).toBeCloseTo(0.5, 12);
    expect(drift.deltaNorm).toBeCloseTo(Math.sqrt(3), 12);
    expect(drift.cosine).toBeCloseTo((3 - 4) / (5 * Math.sqrt(3)), 12);
  });

  it('has no cosine where the base did not move, and no ratio where it was zero', () => {
    const still = { name: 'w', norm: 0, relativeNorm: 0, cosine: null, previousNorm: 2 };
    expect(driftOf([still])).toEqual({ norm: 0, relativeNorm: null, deltaNorm: 2, cosine: null });
  });
});

describe('driftGroups', () => {
  it('groups by kind of layer, norms apart, in the order in which they come', () => {
    const names = [
      'model.embed_tokens.weight',
      'model.layers.0.input_layernorm.weight',
      'model.layers.0.self_attn.q_proj.weight',
      'model.layers.0.self_attn.o_proj.weight',
      'model.layers.0.mlp.up_proj.weight',
      'model.layers.11.self_attn.q_proj.weight',
      'model.norm.weight',
      'lm_head.weight',
      'model.vision.patch.weight',
    ];
    const groups = driftGroups(names.map((name) => tensor(name, [1, 0], [1, 0], [1, 0])));
    expect(groups.map(({ group, norm }) => [group, norm])).toEqual([
      ['embedding', 1],
      ['norms', Math.SQRT2],
      ['layer 0 attention', Math.SQRT2],
      ['layer 0 mlp', 1],
      ['layer 11 attention', 1],
      ['head', 1],
      ['others', 1],
    ]);
  });
});
