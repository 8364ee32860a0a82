import { InferenceError } from '../errors.ts';
import type { LlamaConfig } from './llama-config.ts';
import { DATA_TYPE, type ExternalTensor } from './onnx-encoding.ts';
import { OnnxGraph } from './onnx-graph.ts';

const { F32, I32, I64 } = DATA_TYPE;

/** Finds a weight by name; undefined when the model does not store it. */
export type FindWeight = (name: string) => ExternalTensor | undefined;

/** What a Llama scoring graph is made of; `tied` reads the head from the embedding. */
export interface LlamaGraphInput {
  readonly config: LlamaConfig;
  readonly tied: boolean;
  readonly find: FindWeight;
}

/**
 * Writes the scoring graph of a Llama model, without a key–value cache, as an ONNX ModelProto.
 *
 * Inputs: input_ids int64 [B, S] (rows padded on the right); seqlens_k int32 [B] (valid tokens − 1);
 * total_sequence_length int32 [] (S); cos and sin float32 [P, headSize / 2] with P ≥ S; rows int64 [R], which of the B·S
 * positions are scored; targets int64 [R].
 * Outputs: logprobs float32 [R], natural logarithm of each target's probability; argmax int64 [R], the lowest id when
 * several are the likeliest. Only the chosen rows' logits [R, V] are made, and they never leave the graph.
 *
 * Computes in float32. F32 weights are read where they lie; BF16 and F16 are cast to a float32 copy when the session
 * opens, but for the embedding, of which only the rows in use are cast.
 *
 * Errors: INFERENCE_TENSOR_MISSING and INFERENCE_TENSOR_SHAPE, each with every tensor concerned.
 */
export function buildLlamaGraph(input: LlamaGraphInput): Uint8Array {
  return new LlamaGraph(input).build();
}

class LlamaGraph {
  readonly #graph = new OnnxGraph();
  readonly #config: LlamaConfig;
  readonly #tied: boolean;
  readonly #find: FindWeight;
  readonly #casts = new Map<string, string>();
  readonly #missing = new Set<string>();
  readonly #misshapen = new Set<string>();

  constructor({ config, tied, find }: LlamaGraphInput) {
    this.#config = config;
    this.#tied = tied;
    this.#find = find;
  }

  build(): Uint8Array {
    const graph = this.#graph;
    const { headSize, layers } = this.#config;
    const ids = graph.input('input_ids', I64, ['batch', 'sequence']);
    graph.input('seqlens_k', I32, ['batch']);
    graph.input('total_sequence_length', I32, []);
    graph.input('cos', F32, ['positions', headSize / 2]);
    graph.input('sin', F32, ['positions', headSize / 2]);

    const shape = graph.op('Concat', [graph.op('Shape', [ids]), graph.ints(-1)], { axis: 0 }); // [B, S, −1]
    let x = this.#embed(ids); // [B·S, H]
    for (let layer = 0; layer < layers; layer += 1) x = this.#layer(x, `model.layers.${layer}`, shape);
    this.#score(x);
    this.#assertComplete();
    return graph.encode();
  }

  /** Rows are gathered before the cast, so that a BF16 table is read in place. */
  #embed(ids: string): string {
    const graph = this.#graph;
    const { vocabularySize, hiddenSize } = this.#config;
    const table = this.#stored('model.embed_tokens.weight', [vocabularySize, hiddenSize]);
    const rows = graph.op('Gather', [table.name, graph.op('Reshape', [ids, graph.ints(-1)])]); // [B·S, H]
    return table.dataType === F32 ? rows : graph.op('Cast', [rows], { to: F32 });
  }

  #layer(x: string, name: string, shape: string): string {
    const graph = this.#graph;
    const { heads, headSize, hiddenSize, innerSize } = this.#config;
    const attended = this.#attend(this.#norm(x, `${name}.input_layernorm`), name, shape);
    const middle = this.#project(attended, `${name}.self_attn.o_proj`, [hiddenSize, heads * headSize], x);
    const hidden = this.#norm(middle, `${name}.post_attention_layernorm`);
    const gate = this.#project(hidden, `${name}.mlp.gate_proj`, [innerSize, hiddenSize]);
    const up = this.#project(hidden, `${name}.mlp.up_proj`, [innerSize, hiddenSize]);
    const silu = graph.op('QuickGelu', [gate], { alpha: { float: 1 } }); // x · sigmoid(αx); α = 1 is SiLU
    return this.#project(graph.op('Mul', [silu, up]), `${name}.mlp.down_proj`, [hiddenSize, innerSize], middle);
  }

  #attend(x: string, name: string, shape: string): string {
    const graph = this.#graph;
    const { heads, keyValueHeads, headSize, hiddenSize } = this.#config;
    const part = (projection: string, count: number): string => {
      const flat = this.#project(x, `${name}.self_attn.${projection}`, [count * headSize, hiddenSize]);
      return graph.op('Reshape', [flat, shape]); // [B·S, n·D] → [B, S, n·D]
    };
    const parts = [part('q_proj', heads), part('k_proj', keyValueHeads), part('v_proj', keyValueHeads)];
    const scale = { float: headSize ** -0.5 };
    const attention = graph.op(
      'GroupQueryAttention',
      [...parts, '', '', 'seqlens_k', 'total_sequence_length', 'cos', 'sin'],
      { num_heads: heads, kv_num_heads: keyValueHeads, do_rotary: 1, rotary_interleaved: 0, scale },
      [`${name}.attention`, `${name}.key`, `${name}.value`],
    );
    return graph.op('Reshape', [attention, graph.ints(-1, heads * headSize)]); // [B, S, n·D] → [B·S, n·D]
  }

  #score(x: string): void {
    const graph = this.#graph;
    const { vocabularySize, hiddenSize } = this.#config;
    const rows = graph.op('Gather', [x, graph.input('rows', I64, ['rows'])]); // [R, H]
    const head = this.#tied ? 'model.embed_tokens' : 'lm_head';
    const logits = this.#project(this.#norm(rows, 'model.norm'), head, [vocabularySize, hiddenSize]); // [R, V]
    graph.op('ArgMax', [logits], { axis: -1, keepdims: 0 }, ['argmax']);
    graph.output('argmax', I64, ['rows']);
    const targets = graph.op('Unsqueeze', [graph.input('targets', I64, ['rows']), graph.ints(1)]); // [R, 1]
    const picked = graph.op('GatherElements', [graph.op('LogSoftmax', [logits], { axis: -1 }), targets], { axis: 1 });
    graph.op('Squeeze', [picked, graph.ints(1)], {}, ['logprobs']); // [R, 1] → [R]
    graph.output('logprobs', F32, ['rows']);
  }

  #norm(x: string, name: string): string {
    const weight = this.#weight(`${name}.weight`, [this.#config.hiddenSize]);
    const attributes = { axis: -1, epsilon: { float: this.#config.epsilon }, stash_type: 1 };
    return this.#graph.op('SimplifiedLayerNormalization', [x, weight], attributes);
  }

  /** x · Wᵀ + bias + residual, where stored: Gemm reads W [out, in] as it lies in the file. */
  #project(x: string, name: string, shape: readonly [number, number], residual?: string): string {
    const graph = this.#graph;
    const weight = this.#weight(`${name}.weight`, shape);
    const bias = this.#find(`${name}.bias`) === undefined ? undefined : this.#weight(`${name}.bias`, [shape[0]]);
    const addend = bias ?? residual;
    const product = graph.op('Gemm', addend === undefined ? [x, weight] : [x, weight, addend], { transB: 1 });
    return bias !== undefined && residual !== undefined ? graph.op('Add', [product, residual]) : product;
  }

  /** A weight as float32. */
  #weight(name: string, shape: readonly number[]): string {
    const stored = this.#stored(name, shape);
    if (stored.dataType === F32) return stored.name;
    const cast = this.#casts.get(name) ?? this.#graph.op('Cast', [name], { to: F32 }, [`${name}:f32`]);
    this.#casts.set(name, cast);
    return cast;
  }

  #stored(name: string, shape: readonly number[]): { readonly name: string; readonly dataType: number } {
    const tensor = this.#find(name);
    if (tensor === undefined) {
      this.#missing.add(name);
      return { name, dataType: F32 };
    }
    if (tensor.shape.join() !== shape.join()) {
      this.#misshapen.add(`\`${name}\` is [${tensor.shape.join(', ')}] where config.json says [${shape.join(', ')}]`);
    }
    return { name: this.#graph.external(name, tensor), dataType: tensor.dataType };
  }

  #assertComplete(): void {
    const [missing, misshapen] = [[...this.#missing], [...this.#misshapen]];
    if (missing.length > 0) {
      const some = missing.slice(0, 5).join(', ');
      const message = `${missing.length} tensors are missing from the safetensors files (${some}); fetch the model again.`;
      throw new InferenceError('INFERENCE_TENSOR_MISSING', message, { missing });
    }
    if (misshapen.length > 0) {
      const some = misshapen.slice(0, 5).join('; ');
      const message = `${misshapen.length} tensors have another shape: ${some}; take config.json and weights from one model.`;
      throw new InferenceError('INFERENCE_TENSOR_SHAPE', message, { misshapen });
    }
  }
}
