import type { ConfigReader } from './config-reader.ts';
import type { RopeConfig } from '../rope/rope-config.ts';

/** Everything that a graph is built from, whatever the family. */
export interface Architecture extends FamilyTraits {
  readonly hiddenSize: number;
  readonly innerSize: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly vocabularySize: number;
  /** Longest sequence, in tokens; of a dynamic RoPE, the trained one times its factor. */
  readonly positions: number;
  readonly epsilon: number;
  readonly activation: Activation;
}

/** `silu` is x · sigmoid(x); `gelu_pytorch_tanh` the tanh approximation of GELU. */
export type Activation = 'silu' | 'gelu_pytorch_tanh';

/** What a family says beside the sizes. */
export interface FamilyTraits {
  readonly norms: LayerNorms;
  /** Added to every norm's weight: 1 where a family stores its distance from 1. */
  readonly normOffset: 0 | 1;
  /** RMS norm of queries and keys before the rotation: over all heads together, or over each head. */
  readonly queryKeyNorm: 'none' | 'all-heads' | 'each-head';
  readonly biases: { readonly queryKeyValue: boolean; readonly output: boolean; readonly inner: boolean };
  /** What embeddings are multiplied with. */
  readonly embeddingScale: number;
  /** What query · key is multiplied with; null: 1 / √(head size). */
  readonly attentionScale: number | null;
  /** cap · tanh(x / cap), of attention scores and of logits; null: neither. */
  readonly attentionSoftcap: number | null;
  readonly logitSoftcap: number | null;
  readonly layers: readonly LayerTraits[];
  /** What `LayerTraits.rope` counts. */
  readonly ropes: readonly RopeConfig[];
}

/** Names of a layer's norms by their place; null: there is none. Those after stand before the residual is added. */
export interface LayerNorms {
  readonly beforeAttention: string | null;
  readonly afterAttention: string | null;
  readonly beforeInner: string | null;
  readonly afterInner: string | null;
}

export interface LayerTraits {
  /** Tokens that a token attends to, itself included; null: all before it. */
  readonly window: number | null;
  /** Index into `ropes`. */
  readonly rope: number;
}

/** One family of models: what its config.json means. */
export interface Family {
  readonly modelType: string;
  /** Field of config.json that names the activation. */
  readonly activationField: 'hidden_act' | 'hidden_activation';
  readonly activation: Activation;
  /** transformers' defaults for what config.json leaves out. */
  readonly defaults: {
    readonly headSize?: number;
    readonly keyValueHeads?: number;
    readonly positions: number;
    readonly epsilon: number;
  };
  readonly traits: (config: ConfigReader, sizes: FamilySizes) => FamilyTraits;
}

/** What a family may need to know of the sizes. */
export interface FamilySizes {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly positions: number;
}
