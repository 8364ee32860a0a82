import {
  encodeExternalTensor,
  encodeIntegers,
  encodeModel,
  encodeNode,
  encodeScalar,
  encodeValueInfo,
  type Attribute,
  type DataType,
  type ExternalTensor,
} from './onnx-encoding.ts';

/** Operators of onnxruntime's own domain; all others are standard ones. */
const CONTRIB = new Set(['GroupQueryAttention', 'QuickGelu']);

/** Collects nodes, initialisers, inputs and outputs, and writes them as an ONNX ModelProto. Values go by name. */
export class OnnxGraph {
  readonly #nodes: Uint8Array[] = [];
  readonly #initializers = new Map<string, Uint8Array>();
  readonly #inputs: Uint8Array[] = [];
  readonly #outputs: Uint8Array[] = [];

  /** Adds a node and returns its first output's name. */
  op(
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    outputs: readonly [string, ...string[]] = [`t${this.#nodes.length}`],
  ): string {
    const domain = CONTRIB.has(type) ? 'com.microsoft' : '';
    const name = `${type}_${this.#nodes.length}`;
    this.#nodes.push(encodeNode({ type, name, domain, inputs, outputs, attributes }));
    return outputs[0];
  }

  /** An int64 vector inside the model, written once. */
  ints(...values: readonly number[]): string {
    const name = `i64_${values.join('_')}`;
    return this.#initializer(name, () => encodeIntegers(name, values));
  }

  /** A float32 inside the model, written once. */
  scalar(value: number): string {
    const name = `f32_${value}`;
    return this.#initializer(name, () => encodeScalar(name, value));
  }

  /** A weight in its file, written once. */
  external(name: string, tensor: ExternalTensor): string {
    return this.#initializer(name, () => encodeExternalTensor(name, tensor));
  }

  input(name: string, dataType: DataType, shape: readonly (number | string)[]): string {
    this.#inputs.push(encodeValueInfo(name, dataType, shape));
    return name;
  }

  output(name: string, dataType: DataType, shape: readonly (number | string)[]): string {
    this.#outputs.push(encodeValueInfo(name, dataType, shape));
    return name;
  }

  encode(): Uint8Array {
    const initializers = [...this.#initializers.values()];
    return encodeModel({ nodes: this.#nodes, initializers, inputs: this.#inputs, outputs: this.#outputs });
  }

  #initializer(name: string, encode: () => Uint8Array): string {
    if (!this.#initializers.has(name)) this.#initializers.set(name, encode());
    return name;
  }
}
