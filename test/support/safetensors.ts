import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openModel, type Dtype } from '../../weights/index.ts';

/** A tensor to be written into a fixture; `bytes` are little-endian and packed. */
export interface FixtureTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** A model folder to be written: shard file name -> tensors. One file named model.safetensors gets no index. */
export interface FixtureModel {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly shards: Readonly<Record<string, readonly FixtureTensor[]>>;
  /** Other files: name -> text. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A tensor of float32 values. */
export function f32Tensor(
  name: string,
  values: readonly number[],
  shape: readonly number[] = [values.length],
): FixtureTensor {
  return { name, dtype: 'F32', shape, bytes: new Uint8Array(new Float32Array(values).buffer) };
}

/** A tensor of float64 values. */
export function f64Tensor(
  name: string,
  values: readonly number[],
  shape: readonly number[] = [values.length],
): FixtureTensor {
  return { name, dtype: 'F64', shape, bytes: new Uint8Array(new Float64Array(values).buffer) };
}

/** A 16-bit tensor from its bit patterns. */
export function bitsTensor(
  name: string,
  dtype: 'BF16' | 'F16',
  bits: readonly number[],
  shape: readonly number[] = [bits.length],
): FixtureTensor {
  return { name, dtype, shape, bytes: new Uint8Array(new Uint16Array(bits).buffer) };
}

/** The bytes of a file with the given header, announced truthfully unless `headerBytes` says otherwise. */
export function fileBytes(header: string, data: Uint8Array, headerBytes?: bigint): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.byteLength + data.byteLength);
  new DataView(bytes.buffer).setBigUint64(0, headerBytes ?? BigInt(json.byteLength), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.byteLength);
  return bytes;
}

/** The bytes of a safetensors file that holds `tensors` one after another. */
export function safetensorsBytes(
  tensors: readonly FixtureTensor[],
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Uint8Array {
  const data = Buffer.concat(tensors.map(({ bytes }) => bytes));
  let offset = 0;
  const header: Record<string, unknown> = { __metadata__: metadata };
  for (const { name, dtype, shape, bytes } of tensors) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.byteLength] };
    offset += bytes.byteLength;
  }
  return fileBytes(JSON.stringify(header), data);
}

/** A small Llama config; fields given override. */
export function llamaConfig(fields: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return { architectures: ['LlamaForCausalLM'], model_type: 'llama', tie_word_embeddings: false, ...fields };
}

/** A tokenizer.json with this token -> row map. */
export function tokenizerJson(
  vocab: Readonly<Record<string, number>>,
  added: readonly { id: number; content: string }[] = [],
): string {
  return JSON.stringify({ version: '1.0', added_tokens: added, model: { type: 'BPE', vocab, merges: [] } });
}

/** Writes a model folder and returns its path. */
export async function writeModelFolder(folder: string, { config, shards, files }: FixtureModel): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), JSON.stringify(config ?? llamaConfig()));
  const weightMap: Record<string, string> = {};
  let totalSize = 0;
  for (const [file, tensors] of Object.entries(shards)) {
    await writeFile(join(folder, file), safetensorsBytes(tensors));
    for (const { name, bytes } of tensors) {
      weightMap[name] = file;
      totalSize += bytes.byteLength;
    }
  }
  if (!('model.safetensors' in shards)) {
    const index = { metadata: { total_size: totalSize }, weight_map: weightMap };
    await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify(index));
  }
  for (const [name, text] of Object.entries(files ?? {})) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

/** The stored bytes of every tensor of a model folder. */
export async function readTensorBytes(folder: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const { tensors } = await openModel(folder);
  const entries = [...tensors.values()].map(async ({ name, path, offsetBytes, sizeBytes }) => {
    const bytes = await readFile(path);
    return [name, new Uint8Array(bytes.subarray(offsetBytes, offsetBytes + sizeBytes))] as const;
  });
  return new Map(await Promise.all(entries));
}

/** The float32 values of one tensor of a model folder. */
export async function readF32(folder: string, name: string): Promise<readonly number[]> {
  const bytes = (await readTensorBytes(folder)).get(name);
  if (bytes === undefined) throw new Error(`${folder} has no tensor ${name}`);
  return [...new Float32Array(bytes.slice().buffer)];
}

/** A folder of the running test's own, removed when the test is over. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'regraft-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A model in one file. */
export function singleFile(...tensors: readonly FixtureTensor[]): FixtureModel {
  return { shards: { 'model.safetensors': tensors } };
}

/** Three model folders in a temporary folder, and the name of one that does not exist yet. */
export interface ModelTriple {
  readonly root: string;
  readonly target: string;
  readonly tuned: string;
  readonly base: string;
  readonly out: string;
}

/** Writes what a recycle needs. */
export async function writeTriple(
  models: Readonly<Record<'target' | 'tuned' | 'base', FixtureModel>>,
): Promise<ModelTriple> {
  const root = await temporaryFolder();
  return {
    root,
    target: await writeModelFolder(join(root, 'target'), models.target),
    tuned: await writeModelFolder(join(root, 'tuned'), models.tuned),
    base: await writeModelFolder(join(root, 'base'), models.base),
    out: join(root, 'out'),
  };
}
