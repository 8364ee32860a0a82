import type { Drift } from '../../contracts/connectivity.schema.ts';

/** One tensor of newer base − older base, beside the Δ's tensor of the same name. Null: not defined, or not finite. */
export interface TensorDrift {
  readonly name: string;
  /** ‖newer − older‖ */
  readonly norm: number | null;
  /** ‖newer − older‖ / ‖older‖ */
  readonly relativeNorm: number | null;
  readonly cosine: number | null;
  /** ‖Δ‖ */
  readonly previousNorm: number | null;
}

/**
 * Sums tensors up by kind of layer, in the order in which the kinds first appear: norms add as squares, a group's cosine is
 * that of all its parameters taken as one vector.
 */
export function driftGroups(tensors: readonly TensorDrift[]): readonly (Drift & { readonly group: string })[] {
  const groups = new Map<string, TensorDrift[]>();
  for (const tensor of tensors) {
    const group = layerGroup(tensor.name);
    groups.set(group, [...(groups.get(group) ?? []), tensor]);
  }
  return [...groups].map(([group, members]) => ({ group, ...driftOf(members) }));
}

/** The drift of all these tensors taken as one vector. */
export function driftOf(tensors: readonly TensorDrift[]): Drift {
  let [moved, older, delta, dot] = [0, 0, 0, 0];
  for (const { norm, relativeNorm, previousNorm, cosine } of tensors) {
    const length = norm ?? 0;
    moved += length ** 2;
    if (relativeNorm !== null && relativeNorm !== 0) older += (length / relativeNorm) ** 2;
    delta += (previousNorm ?? 0) ** 2;
    dot += (cosine ?? 0) * length * (previousNorm ?? 0);
  }
  return {
    norm: finite(Math.sqrt(moved)),
    relativeNorm: finite(Math.sqrt(moved) / Math.sqrt(older)),
    deltaNorm: finite(Math.sqrt(delta)),
    cosine: finite(dot / Math.sqrt(moved * delta)),
  };
}

function layerGroup(name: string): string {
  if (name.includes('embed_tokens')) return 'embedding';
  if (name.startsWith('lm_head')) return 'head';
  if (/norm/.test(name)) return 'norms';
  const layer = /\.layers\.(\d+)\./.exec(name)?.[1];
  if (layer === undefined) return 'others';
  const kind = name.includes('attn') ? ' attention' : name.includes('mlp') ? ' mlp' : '';
  return `layer ${layer}${kind}`;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
