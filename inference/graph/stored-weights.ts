import { InferenceError } from '../errors.ts';
import { DATA_TYPE, type ExternalTensor } from './onnx-encoding.ts';
import type { OnnxGraph } from './onnx-graph.ts';

/** Finds a weight by name; undefined when the model does not store it. */
export type FindWeight = (name: string) => ExternalTensor | undefined;

const SHOWN = 5;

/**
 * Brings a model's stored weights into a graph, and notes what is missing or has another shape than expected. F32 weights are
 * read where they lie; BF16 and F16 are cast to a float32 copy when the session opens.
 */
export class StoredWeights {
  readonly #graph: OnnxGraph;
  readonly #find: FindWeight;
  readonly #casts = new Map<string, string>();
  readonly #missing = new Set<string>();
  readonly #misshapen = new Set<string>();

  constructor(graph: OnnxGraph, find: FindWeight) {
    this.#graph = graph;
    this.#find = find;
  }

  /** A weight as float32. */
  float(name: string, shape: readonly number[]): string {
    const stored = this.stored(name, shape);
    if (stored.dataType === DATA_TYPE.F32) return stored.name;
    const cast = this.#casts.get(name) ?? this.#graph.op('Cast', [name], { to: DATA_TYPE.F32 }, [`${name}:f32`]);
    this.#casts.set(name, cast);
    return cast;
  }

  /** A weight in the type that it is stored in. */
  stored(name: string, shape: readonly number[]): { readonly name: string; readonly dataType: number } {
    const tensor = this.#find(name);
    if (tensor === undefined) {
      this.#missing.add(name);
      return { name, dataType: DATA_TYPE.F32 };
    }
    if (tensor.shape.join() !== shape.join()) {
      this.#misshapen.add(`\`${name}\` is [${tensor.shape.join(', ')}] where config.json says [${shape.join(', ')}]`);
    }
    return { name: this.#graph.external(name, tensor), dataType: tensor.dataType };
  }

  /** Errors: INFERENCE_TENSOR_MISSING and INFERENCE_TENSOR_SHAPE, each with every tensor concerned. */
  assertComplete(): void {
    const [missing, misshapen] = [[...this.#missing], [...this.#misshapen]];
    if (missing.length > 0) {
      const some = missing.slice(0, SHOWN).join(', ');
      const message = `${missing.length} tensors are missing from the safetensors files (${some}); fetch the model again.`;
      throw new InferenceError('INFERENCE_TENSOR_MISSING', message, { missing });
    }
    if (misshapen.length > 0) {
      const some = misshapen.slice(0, SHOWN).join('; ');
      const message = `${misshapen.length} tensors have another shape: ${some}; take config.json and weights from one model.`;
      throw new InferenceError('INFERENCE_TENSOR_SHAPE', message, { misshapen });
    }
  }
}
