import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

// Field numbers are those of onnx.proto. Each function returns one encoded message.

/** TensorProto.DataType of the dtypes that graphs here use. */
export const DATA_TYPE = { F32: 1, I32: 6, I64: 7, F16: 10, BF16: 16 } as const;
export type DataType = (typeof DATA_TYPE)[keyof typeof DATA_TYPE];

/** An attribute of a node: an integer, a text, or `{ float }`. */
export type Attribute = number | string | { readonly float: number };

/** A weight that stays in its file: onnxruntime maps the bytes from there. */
export interface ExternalTensor {
  readonly dataType: DataType;
  readonly shape: readonly number[];
  /** Path relative to the folder that the session is told. */
  readonly location: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** One node of a graph; an input of '' is an optional input left out, a domain of '' is standard ONNX. */
export interface OnnxNode {
  readonly type: string;
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** The parts of a graph, each already encoded. */
export interface OnnxParts {
  readonly nodes: readonly Uint8Array[];
  readonly initializers: readonly Uint8Array[];
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
}

const EXTERNAL = 1;
/** IR version 11 is the one of opset 23. */
const IR_VERSION = 11;
const OPSET = 23;

/** Encodes a NodeProto. */
export function encodeNode(node: OnnxNode): Uint8Array {
  const writer = new BinaryWriter();
  for (const input of node.inputs) text(writer, 1, input);
  for (const output of node.outputs) text(writer, 2, output);
  text(writer, 3, node.name);
  text(writer, 4, node.type);
  for (const [name, value] of Object.entries(node.attributes)) message(writer, 5, encodeAttribute(name, value));
  text(writer, 7, node.domain);
  return writer.finish();
}

/** Encodes a TensorProto whose bytes lie in another file. */
export function encodeExternalTensor(name: string, tensor: ExternalTensor): Uint8Array {
  const writer = tensorHead(name, tensor.dataType, tensor.shape);
  const entries = { location: tensor.location, offset: String(tensor.offsetBytes), length: String(tensor.sizeBytes) };
  for (const [key, value] of Object.entries(entries)) {
    const entry = new BinaryWriter();
    text(entry, 1, key);
    text(entry, 2, value);
    message(writer, 13, entry.finish());
  }
  integer(writer, 14, EXTERNAL);
  return writer.finish();
}

/** Encodes a TensorProto of an int64 vector. */
export function encodeIntegers(name: string, values: readonly number[]): Uint8Array {
  const writer = tensorHead(name, DATA_TYPE.I64, [values.length]);
  message(writer, 9, new Uint8Array(BigInt64Array.from(values, BigInt).buffer));
  return writer.finish();
}

/** Encodes a TensorProto of one float32 without dimensions. */
export function encodeScalar(name: string, value: number): Uint8Array {
  const writer = tensorHead(name, DATA_TYPE.F32, []);
  message(writer, 9, new Uint8Array(Float32Array.of(value).buffer));
  return writer.finish();
}

/** Encodes a ValueInfoProto: an input or output; a dimension that is a string is free. */
export function encodeValueInfo(name: string, dataType: DataType, shape: readonly (number | string)[]): Uint8Array {
  const dimensions = new BinaryWriter();
  for (const length of shape) {
    const dimension = new BinaryWriter();
    if (typeof length === 'string') text(dimension, 2, length);
    else integer(dimension, 1, length);
    message(dimensions, 1, dimension.finish());
  }
  const tensor = new BinaryWriter();
  integer(tensor, 1, dataType);
  message(tensor, 2, dimensions.finish());
  const type = new BinaryWriter();
  message(type, 1, tensor.finish());
  const info = new BinaryWriter();
  text(info, 1, name);
  message(info, 2, type.finish());
  return info.finish();
}

/** Encodes a ModelProto. */
export function encodeModel({ nodes, initializers, inputs, outputs }: OnnxParts): Uint8Array {
  const graph = new BinaryWriter();
  for (const node of nodes) message(graph, 1, node);
  text(graph, 2, 'decoder');
  for (const initializer of initializers) message(graph, 5, initializer);
  for (const input of inputs) message(graph, 11, input);
  for (const output of outputs) message(graph, 12, output);
  const model = new BinaryWriter();
  integer(model, 1, IR_VERSION);
  text(model, 2, 'regraft');
  message(model, 7, graph.finish());
  message(model, 8, encodeOpset('', OPSET));
  message(model, 8, encodeOpset('com.microsoft', 1));
  return model.finish();
}

function encodeAttribute(name: string, value: Attribute): Uint8Array {
  const writer = new BinaryWriter();
  text(writer, 1, name);
  if (typeof value === 'number') {
    integer(writer, 3, value);
    integer(writer, 20, 2); // AttributeType.INT
  } else if (typeof value === 'string') {
    text(writer, 4, value);
    integer(writer, 20, 3); // AttributeType.STRING
  } else {
    writer.tag(2, WireType.Bit32).float(value.float);
    integer(writer, 20, 1); // AttributeType.FLOAT
  }
  return writer.finish();
}

function encodeOpset(domain: string, version: number): Uint8Array {
  const writer = new BinaryWriter();
  text(writer, 1, domain);
  integer(writer, 2, version);
  return writer.finish();
}

function tensorHead(name: string, dataType: DataType, shape: readonly number[]): BinaryWriter {
  const writer = new BinaryWriter();
  for (const length of shape) integer(writer, 1, length);
  integer(writer, 2, dataType);
  text(writer, 8, name);
  return writer;
}

function integer(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Varint).int64(value);
}

function text(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}

function message(writer: BinaryWriter, field: number, bytes: Uint8Array): void {
  writer.tag(field, WireType.LengthDelimited).bytes(bytes);
}
