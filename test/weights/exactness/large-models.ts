import { join } from 'node:path';
import { writeModelFolder, type FixtureModel, type FixtureTensor } from '../../support/safetensors.ts';
import { seededRandom } from '../kernel/patterns.ts';

/** Shapes that end in the middle of pieces, grains, blocks and vectors; more parameters than the engine does without threads. */
const SHAPES: Readonly<Record<string, readonly number[]>> = {
  'model.embed_tokens.weight': [1201, 2003],
  'model.layers.0.a.weight': [1025, 1031],
  'model.layers.0.b.weight': [65_536],
  'model.layers.0.norm.weight': [17],
  'model.layers.1.a.weight': [1025, 1031],
  'model.layers.1.b.weight': [131_073],
  'model.layers.1.empty.weight': [0, 4],
  'model.layers.2.a.weight': [2049, 1087],
  'model.norm.weight': [],
  'lm_head.weight': [1201, 2003],
};

/** Parameters of each of the three models. */
export const LARGE_PARAMETERS = Object.values(SHAPES).reduce((sum, shape) => sum + countOf(shape), 0);

/** Where three models of some nine million parameters lie, each in two forms. */
export interface LargeModels {
  readonly root: string;
  /** A file for every tensor but the last two, which share one. */
  readonly target: string;
  readonly whole: { readonly tuned: string; readonly base: string };
  /** The same values in other files and another order. */
  readonly sharded: { readonly tuned: string; readonly base: string };
}

/** Three BF16 models in `root` that lie as near to each other as releases and fine-tunes do. Repeats itself. */
export async function writeLargeModels(root: string): Promise<LargeModels> {
  const [base, tuned, target] = drawModels();
  const names = Object.keys(SHAPES);
  const write = async (name: string, patterns: Patterns, groups: readonly (readonly string[])[]): Promise<string> =>
    await writeModelFolder(join(root, name), toModel(patterns, groups));
  const reversed = names.toReversed();
  const thirds = [reversed.slice(0, 2), reversed.slice(2, 7), reversed.slice(7)];
  return {
    root,
    target: await write('target', target, [...names.slice(0, -2).map((name) => [name]), names.slice(-2)]),
    whole: { tuned: await write('tuned', tuned, [names]), base: await write('base', base, [names]) },
    sharded: {
      tuned: await write('tuned-sharded', tuned, thirds),
      base: await write('base-sharded', base, thirds.toReversed()),
    },
  };
}

type Patterns = ReadonlyMap<string, Uint16Array>;

function drawModels(): readonly [base: Patterns, tuned: Patterns, target: Patterns] {
  const random = seededRandom(42);
  const models = [
    new Map<string, Uint16Array>(),
    new Map<string, Uint16Array>(),
    new Map<string, Uint16Array>(),
  ] as const;
  for (const [name, shape] of Object.entries(SHAPES)) {
    const count = countOf(shape);
    const [base, tuned, target] = [new Uint16Array(count), new Uint16Array(count), new Uint16Array(count)];
    for (const [index, patterns] of [base, tuned, target].entries()) models[index]?.set(name, patterns);
    for (let i = 0; i < count; i++) {
      const word = Math.floor(random() * 2 ** 32);
      const pattern = ((word & 1) << 15) | (0x3c00 + ((word >>> 1) & 0x1ff)); // ± 2^-7 to 2^-3, evenly over the patterns
      base[i] = pattern;
      tuned[i] = pattern + ((word >>> 10) % 5) - 2; // up to two last places away
      target[i] = pattern + ((word >>> 13) % 17) - 8;
    }
  }
  return models;
}

function toModel(patterns: Patterns, groups: readonly (readonly string[])[]): FixtureModel {
  const pad = (number: number): string => String(number).padStart(5, '0');
  const nameOf = (index: number): string =>
    groups.length === 1 ? 'model.safetensors' : `model-${pad(index + 1)}-of-${pad(groups.length)}.safetensors`;
  const tensor = (name: string): FixtureTensor => {
    const values = patterns.get(name) ?? new Uint16Array();
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    return { name, dtype: 'BF16', shape: SHAPES[name] ?? [], bytes };
  };
  return { shards: Object.fromEntries(groups.map((names, index) => [nameOf(index), names.map(tensor)])) };
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
