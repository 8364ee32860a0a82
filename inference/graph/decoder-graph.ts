import type { Architecture, LayerTraits } from '../families/architecture.ts';
import { ATTENTION_INPUTS, cacheNames, ropeNames } from './names.ts';
import { DATA_TYPE } from './onnx-encoding.ts';
import { OnnxGraph } from './onnx-graph.ts';
import { StoredWeights, type FindWeight } from './stored-weights.ts';

const { F32, I32, I64 } = DATA_TYPE;

/** What a graph is made of; `tied` reads the head from the embedding. */
export interface DecoderGraphInput {
  readonly architecture: Architecture;
  readonly tied: boolean;
  readonly find: FindWeight;
}

/**
 * Writes the graph of a model as an ONNX ModelProto. The same graph reads prompts, scores and writes tokens.
 *
 * Inputs: input_ids int32 [B, S] (rows padded on the right); seqlens_k int32 [B] (valid tokens of a row with those in the
 * cache, − 1); total_sequence_length int32 [] (their most, + 1); of each layer past.<layer>.key and .value float32
 * [B, kvHeads, P, headSize], P tokens of room, which may be 0 where nothing is in the cache yet; of each RoPE cos.<rope> and
 * sin.<rope> float32 [lines, headSize / 2], and lines.<rope> int32 [B, S], the line of each token; rows int32 [R], which of
 * the B·S positions are looked at; targets int32 [R].
 * Outputs: argmax int32 [R], the likeliest next token, the lowest id of several; logprobs float32 [R], natural logarithm of
 * each target's probability; added.<layer>.key and .value float32 [B, S, kvHeads · headSize], what the tokens of this call are
 * to the cache: whoever calls puts them there. The cache as a whole never leaves the graph, because onnxruntime-node copies
 * all that does; nor do the logits [R, V], which are made of the chosen rows only.
 *
 * With S above 1, either nothing is in the cache yet and total_sequence_length is S, or B is 1. Computes in float32.
 *
 * Errors: INFERENCE_TENSOR_MISSING and INFERENCE_TENSOR_SHAPE, each with every tensor concerned.
 */
export function buildDecoderGraph(input: DecoderGraphInput): Uint8Array {
  return new DecoderGraph(input).build();
}

class DecoderGraph {
  readonly #graph = new OnnxGraph();
  readonly #architecture: Architecture;
  readonly #tied: boolean;
  readonly #weights: StoredWeights;
  /** By RoPE: the line of each token, as rotation wants it. */
  readonly #lines: string[] = [];

  constructor({ architecture, tied, find }: DecoderGraphInput) {
    this.#architecture = architecture;
    this.#tied = tied;
    this.#weights = new StoredWeights(this.#graph, find);
  }

  build(): Uint8Array {
    const { layers } = this.#architecture;
    const ids = this.#inputs();
    const shape = this.#graph.op('Concat', [this.#graph.op('Shape', [ids]), this.#graph.ints(-1)], { axis: 0 }); // [B, S, −1]
    let x = this.#embed(ids); // [B·S, H]
    for (const [index, traits] of layers.entries()) x = this.#layer(x, index, traits, shape);
    this.#score(x);
    this.#weights.assertComplete();
    return this.#graph.encode();
  }

  #inputs(): string {
    const graph = this.#graph;
    const { headSize, keyValueHeads, layers, ropes } = this.#architecture;
    graph.input(ATTENTION_INPUTS.lastTokens, I32, ['batch']);
    graph.input(ATTENTION_INPUTS.total, I32, []);
    for (const index of ropes.keys()) {
      const { cos, sin, lines } = ropeNames(index);
      graph.input(cos, F32, [`lines.${index}`, headSize / 2]);
      graph.input(sin, F32, [`lines.${index}`, headSize / 2]);
      this.#lines.push(graph.op('Cast', [graph.input(lines, I32, ['batch', 'sequence'])], { to: I64 }));
    }
    for (const index of layers.keys()) {
      const { past, added } = cacheNames(index);
      for (const name of past) graph.input(name, F32, ['batch', keyValueHeads, 'room', headSize]);
      for (const name of added) graph.output(name, F32, ['batch', 'sequence', keyValueHeads * headSize]);
    }
    return graph.input('input_ids', I32, ['batch', 'sequence']);
  }

  /** Rows are gathered before the cast, so that a BF16 table is read in place. */
  #embed(ids: string): string {
    const graph = this.#graph;
    const { vocabularySize, hiddenSize, embeddingScale } = this.#architecture;
    const table = this.#weights.stored('model.embed_tokens.weight', [vocabularySize, hiddenSize]);
    const rows = graph.op('Gather', [table.name, graph.op('Reshape', [ids, graph.ints(-1)])]); // [B·S, H]
    const floats = table.dataType === F32 ? rows : graph.op('Cast', [rows], { to: F32 });
    return embeddingScale === 1 ? floats : graph.op('Mul', [floats, graph.scalar(embeddingScale)]);
  }

  #layer(x: string, index: number, traits: LayerTraits, shape: string): string {
    const { norms, heads, headSize, hiddenSize, innerSize, biases } = this.#architecture;
    const name = `model.layers.${index}`;
    const attended = this.#attend(this.#norm(x, name, norms.beforeAttention), index, traits, shape);
    const output: Projection = {
      ...{ name: `${name}.self_attn.o_proj`, shape: [hiddenSize, heads * headSize], bias: biases.output },
    };
    const middle =
      norms.afterAttention === null
        ? this.#project(attended, output, x)
        : this.#graph.op('Add', [this.#norm(this.#project(attended, output), name, norms.afterAttention), x]);
    const inner = this.#activate(this.#norm(middle, name, norms.beforeInner), name);
    const down: Projection = { name: `${name}.mlp.down_proj`, shape: [hiddenSize, innerSize], bias: biases.inner };
    if (norms.afterInner === null) return this.#project(inner, down, middle);
    return this.#graph.op('Add', [this.#norm(this.#project(inner, down), name, norms.afterInner), middle]);
  }

  #activate(x: string, name: string): string {
    const graph = this.#graph;
    const { hiddenSize, innerSize, activation, biases } = this.#architecture;
    const part = (projection: string): string =>
      this.#project(x, { name: `${name}.mlp.${projection}`, shape: [innerSize, hiddenSize], bias: biases.inner });
    const [gate, up] = [part('gate_proj'), part('up_proj')];
    const active =
      activation === 'silu'
        ? graph.op('QuickGelu', [gate], { alpha: { float: 1 } }) // x · sigmoid(αx); α = 1 is SiLU
        : graph.op('Gelu', [gate], { approximate: 'tanh' });
    return graph.op('Mul', [active, up]);
  }

  #attend(x: string, index: number, { window, rope }: LayerTraits, shape: string): string {
    const graph = this.#graph;
    const { heads, keyValueHeads, headSize, attentionScale, attentionSoftcap } = this.#architecture;
    const name = `model.layers.${index}.self_attn`;
    const { cos, sin } = ropeNames(rope);
    const { past, added } = cacheNames(index);
    const part = (projection: 'q' | 'k' | 'v', count: number, output: string): string => {
      const flat = [this.#head(x, name, projection, count), shape];
      if (projection === 'v') return graph.op('Reshape', flat, {}, [output]); // [B·S, n·D] → [B, S, n·D]
      const turned = [graph.op('Reshape', flat), cos, sin, this.#lines[rope] ?? '']; // [B·S, n·D] → [B, S, n·D]
      return graph.op('RotaryEmbedding', turned, { num_heads: count }, [output]);
    };
    const query = part('q', heads, `${name}.query`);
    const [key, value] = [part('k', keyValueHeads, added[0]), part('v', keyValueHeads, added[1])];
    const attention = graph.op(
      'GroupQueryAttention',
      [query, key, value, ...past, ATTENTION_INPUTS.lastTokens, ATTENTION_INPUTS.total],
      {
        ...{ num_heads: heads, kv_num_heads: keyValueHeads, do_rotary: 0 },
        ...{ local_window_size: window ?? -1, softcap: { float: attentionSoftcap ?? 0 } },
        scale: { float: attentionScale ?? headSize ** -0.5 },
      },
      [`${name}.attention`, `${name}.present.key`, `${name}.present.value`],
    );
    return graph.op('Reshape', [attention, graph.ints(-1, heads * headSize)]); // [B, S, n·D] → [B·S, n·D]
  }

  /** Queries, keys or values, [B·S, n·D], normalised where the family does. */
  #head(x: string, name: string, part: 'q' | 'k' | 'v', count: number): string {
    const graph = this.#graph;
    const { headSize, hiddenSize, queryKeyNorm, biases } = this.#architecture;
    const projection = {
      name: `${name}.${part}_proj`,
      shape: [count * headSize, hiddenSize],
      bias: biases.queryKeyValue,
    } as const;
    const flat = this.#project(x, projection);
    if (part === 'v' || queryKeyNorm === 'none') return flat;
    if (queryKeyNorm === 'all-heads') return this.#norm(flat, name, `${part}_norm`, count * headSize);
    const single = graph.op('Reshape', [flat, graph.ints(-1, headSize)]); // [B·S, n·D] → [B·S·n, D]
    return graph.op('Reshape', [this.#norm(single, name, `${part}_norm`, headSize), graph.ints(-1, count * headSize)]);
  }

  #score(x: string): void {
    const graph = this.#graph;
    const { vocabularySize, hiddenSize, logitSoftcap } = this.#architecture;
    const rows = graph.op('Gather', [x, graph.input('rows', I32, ['rows'])]); // [R, H]
    const head = this.#tied ? 'model.embed_tokens' : 'lm_head';
    const projection = { name: head, shape: [vocabularySize, hiddenSize], bias: false } as const;
    const logits = this.#cap(this.#project(this.#norm(rows, 'model', 'norm'), projection), logitSoftcap); // [R, V]
    graph.op('Cast', [graph.op('ArgMax', [logits], { axis: -1, keepdims: 0 })], { to: I32 }, ['argmax']);
    graph.output('argmax', I32, ['rows']);
    const targets = graph.op('Unsqueeze', [graph.input('targets', I32, ['rows']), graph.ints(1)]); // [R, 1]
    const picked = graph.op('GatherElements', [graph.op('LogSoftmax', [logits], { axis: -1 }), targets], { axis: 1 });
    graph.op('Squeeze', [picked, graph.ints(1)], {}, ['logprobs']); // [R, 1] → [R]
    graph.output('logprobs', F32, ['rows']);
  }

  #cap(x: string, cap: number | null): string {
    if (cap === null) return x;
    const graph = this.#graph;
    return graph.op('Mul', [graph.op('Tanh', [graph.op('Div', [x, graph.scalar(cap)])]), graph.scalar(cap)]);
  }

  /** RMS norm over the last dimension; `norm` null: x as it is. */
  #norm(x: string, name: string, norm: string | null, width = this.#architecture.hiddenSize): string {
    if (norm === null) return x;
    const graph = this.#graph;
    const { epsilon, normOffset } = this.#architecture;
    const stored = this.#weights.float(`${name}.${norm}.weight`, [width]);
    const weight = normOffset === 0 ? stored : graph.op('Add', [stored, graph.scalar(normOffset)]);
    const attributes = { axis: -1, epsilon: { float: epsilon }, stash_type: 1 };
    return graph.op('SimplifiedLayerNormalization', [x, weight], attributes);
  }

  /** x · Wᵀ + bias + residual: Gemm reads W [out, in] as it lies in the file. */
  #project(x: string, { name, shape, bias: hasBias }: Projection, residual?: string): string {
    const graph = this.#graph;
    const weight = this.#weights.float(`${name}.weight`, shape);
    const bias = hasBias ? this.#weights.float(`${name}.bias`, [shape[0]]) : undefined;
    const addend = bias ?? residual;
    const product = graph.op('Gemm', addend === undefined ? [x, weight] : [x, weight, addend], { transB: 1 });
    return bias !== undefined && residual !== undefined ? graph.op('Add', [product, residual]) : product;
  }
}

interface Projection {
  readonly name: string;
  /** [out, in]. */
  readonly shape: readonly [number, number];
  readonly bias: boolean;
}
