import { join } from 'node:path';
import { f32Tensor, llamaConfig, singleFile, temporaryFolder, tokenizerJson } from '../../support/safetensors.ts';
import { writeModelFolder, writeTriple, type FixtureModel, type ModelTriple } from '../../support/safetensors.ts';

const EMBEDDING = 'model.embed_tokens.weight';
const NORM = 'model.norm.weight';

/** A model of four tokens whose values are `first`, and so on in steps of 1. */
export function tinyModel(first: number, fields: Readonly<Record<string, unknown>> = {}): FixtureModel {
  const values = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => first + index);
  return {
    ...singleFile(
      f32Tensor(EMBEDDING, values(8), [4, 2]),
      f32Tensor('lm_head.weight', values(8), [4, 2]),
      f32Tensor(NORM, values(2)),
    ),
    config: llamaConfig({ vocab_size: 4, hidden_size: 2, ...fields }),
    files: { 'tokenizer.json': tokenizerJson({ a: 0, b: 1, c: 2, d: 3 }) },
  };
}

/** A base that starts at 1, a fine-tune that is 0.5 above it everywhere, a target that starts at 100. */
export function tinyTriple(): Promise<ModelTriple> {
  return writeTriple({
    base: tinyModel(1, { rope_theta: 1 }),
    tuned: tinyModel(1.5, { rope_theta: 2 }),
    target: tinyModel(100, { rope_theta: 3 }),
  });
}

/** A triple with enough parameters for several pieces of work, all in one file. */
export async function slowTriple(): Promise<ModelTriple> {
  const root = await temporaryFolder();
  const write = (name: string, value: number): Promise<string> => {
    const values = new Float32Array(6 << 20).fill(value);
    const tensor = { name: 'w', dtype: 'F32', shape: [values.length], bytes: new Uint8Array(values.buffer) } as const;
    return writeModelFolder(join(root, name), singleFile(tensor));
  };
  const [target, tuned, base] = [await write('target', 4), await write('tuned', 2.5), await write('base', 2)];
  return { root, target, tuned, base, out: join(root, 'out') };
}
