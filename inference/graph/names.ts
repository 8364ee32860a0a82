/** Inputs of the graph that say how much of each row is valid. */
export const ATTENTION_INPUTS = { lastTokens: 'seqlens_k', total: 'total_sequence_length' } as const;

/** Names of a layer's key–value cache as it goes into the graph, and of what a call adds to it: keys first. */
export function cacheNames(layer: number): {
  readonly past: readonly [string, string];
  readonly added: readonly [string, string];
} {
  return {
    past: [`past.${layer}.key`, `past.${layer}.value`],
    added: [`added.${layer}.key`, `added.${layer}.value`],
  };
}

/** Names of a RoPE's inputs. */
export function ropeNames(rope: number): { readonly cos: string; readonly sin: string; readonly lines: string } {
  return { cos: `cos.${rope}`, sin: `sin.${rope}`, lines: `lines.${rope}` };
}
