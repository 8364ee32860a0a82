import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { apply, diff, recycle } from '../../weights/index.ts';
import {
  f32Tensor,
  llamaConfig,
  readF32,
  readTensorBytes,
  tokenizerJson,
  writeTriple,
  type FixtureModel,
  type FixtureTensor,
  type ModelTriple,
} from '../support/safetensors.ts';

const EMBED = 'model.embed_tokens.weight';
const HEAD = 'lm_head.weight';
const SCALE = 0.5;
const ROLES = ['target', 'tuned', 'base'] as const;
type Role = (typeof ROLES)[number];

/** A vocabulary: tokens in the order of their rows, added ones after them, then padding. */
interface Words {
  readonly model: readonly string[];
  readonly added?: readonly string[];
  readonly rows?: number;
}

interface Case {
  readonly name: string;
  readonly words: Readonly<Record<Role, Words>>;
  /** Rows of the output, the number of them that moved, and of those that are the fine-tune's own. */
  readonly expected: readonly [rows: number, moved: number, fromTuned: number];
}

const ABC = ['a', 'b', 'c'];
const MANY = Array.from({ length: 64 }, (_, i) => `t${String(i)}`);

const CASES: readonly Case[] = [
  { name: 'the same tokens', words: all({ model: ABC }), expected: [3, 3, 0] },
  {
    name: 'a fine-tune that has grown by special tokens',
    words: { ...all({ model: ABC }), tuned: { model: ABC, added: ['<x>', '<y>'] } },
    expected: [5, 3, 2],
  },
  {
    name: 'a target that has grown',
    words: { ...all({ model: ABC }), target: { model: [...ABC, 'd', 'e'] } },
    expected: [5, 3, 0],
  },
  {
    name: 'fine-tune and target that have both grown',
    words: {
      base: { model: ABC },
      tuned: { model: ABC, added: ['<x>'] },
      target: { model: [...ABC, 'd', 'e'] },
    },
    expected: [6, 3, 1],
  },
  {
    name: 'a target that has shrunk',
    words: { ...all({ model: ABC }), target: { model: ['a', 'b'] } },
    expected: [2, 2, 0],
  },
  {
    name: 'a target that has another order',
    words: { ...all({ model: ABC }), target: { model: ['c', 'a', 'd', 'b'] } },
    expected: [4, 3, 0],
  },
  {
    name: 'another order everywhere, and a special token of the fine-tune',
    words: {
      base: { model: ['b', 'c', 'a'] },
      tuned: { model: ABC, added: ['<x>'] },
      target: { model: ['c', 'a', 'd', 'b'] },
    },
    expected: [5, 3, 1],
  },
  {
    name: 'models padded to 64 rows, a special token in the padding',
    words: { ...all({ model: ABC, rows: 64 }), tuned: { model: ABC, added: ['<x>'], rows: 64 } },
    expected: [64, 3, 1],
  },
  {
    name: 'a fine-tune that is padded to 64 rows where the others are not',
    words: { ...all({ model: ABC }), tuned: { model: ABC, added: ['<x>'], rows: 64 } },
    expected: [64, 3, 61],
  },
  {
    name: 'a padded target without room for a special token, in another order',
    words: {
      base: { model: MANY },
      tuned: { model: MANY, added: ['<x>'], rows: 128 },
      target: { model: [...MANY].reverse() },
    },
    // The new row, and the fine-tune's padding beside it.
    expected: [128, 64, 64],
  },
];

function all(words: Words): Readonly<Record<Role, Words>> {
  return { base: words, tuned: words, target: words };
}

function rowsOf({ model, added = [], rows }: Words): number {
  return rows ?? model.length + added.length;
}

/** What a model holds at a row; differences are exact in float32, so that a stored Δ loses nothing. */
function valueAt(role: Role, tensor: string, row: number, column: number): number {
  const [model, head] = [1 + ROLES.indexOf(role), tensor === HEAD ? 3 : 1];
  return (model * 4096 + head * 512 + row * 4 + column) / 64;
}

function toModel(role: Role, words: Words, isTied: boolean): FixtureModel {
  const rows = rowsOf(words);
  const matrix = (name: string): FixtureTensor =>
    f32Tensor(
      name,
      Array.from({ length: rows * 2 }, (_, i) => valueAt(role, name, Math.floor(i / 2), i % 2)),
      [rows, 2],
    );
  const vocab = Object.fromEntries(words.model.map((token, row) => [token, row]));
  const added = (words.added ?? []).map((content, i) => ({ id: words.model.length + i, content }));
  return {
    config: llamaConfig({ tie_word_embeddings: isTied, vocab_size: rows }),
    shards: { 'model.safetensors': [matrix(EMBED), ...(isTied ? [] : [matrix(HEAD)])] },
    files: { 'tokenizer.json': tokenizerJson(vocab, added) },
  };
}

/** Row of every token, as the output's own tokenizer.json says. */
async function tokensOf(folder: string): Promise<readonly (readonly [token: string, row: number])[]> {
  const text = await readFile(join(folder, 'tokenizer.json'), 'utf8');
  const { model, added_tokens: added } = JSON.parse(text) as {
    model: { vocab: Record<string, number> };
    added_tokens: { id: number; content: string }[];
  };
  return [...Object.entries(model.vocab), ...added.map(({ content, id }) => [content, id] as const)];
}

/**
 * The values that the rules ask for, from the output's tokenizer and the three models alone. Rows beyond the target's that hold
 * no token are the fine-tune's padding.
 */
function expectedRows(
  words: Case['words'],
  tokens: readonly (readonly [string, number])[],
  rows: number,
  tensor: string,
): readonly number[] {
  const rowIn = (role: Role, token: string): number =>
    [...words[role].model, ...(words[role].added ?? [])].indexOf(token);
  const tokenAt = new Map(tokens.map(([token, row]) => [row, token]));
  return Array.from({ length: rows * 2 }, (_, i) => {
    const [row, column] = [Math.floor(i / 2), i % 2];
    const token = tokenAt.get(row);
    const of = (role: Role, at: number): number => valueAt(role, tensor, at, column);
    if (token === undefined) {
      if (row < rowsOf(words.target)) return of('target', row);
      const isPadding = row >= words.tuned.model.length + (words.tuned.added ?? []).length && row < rowsOf(words.tuned);
      return isPadding ? of('tuned', row) : 0;
    }
    const [target, tuned, base] = [rowIn('target', token), rowIn('tuned', token), rowIn('base', token)];
    if (target < 0) return of('tuned', tuned);
    if (tuned < 0 || base < 0) return of('target', target);
    return of('target', target) + SCALE * (of('tuned', tuned) - of('base', base));
  });
}

async function write(words: Case['words'], isTied: boolean): Promise<ModelTriple> {
  return await writeTriple({
    target: toModel('target', words.target, isTied),
    tuned: toModel('tuned', words.tuned, isTied),
    base: toModel('base', words.base, isTied),
  });
}

/** Every file besides the weights, but for the story of how it came about. */
async function contents(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(folder)).filter((name) => !['regraft.json', 'model.safetensors'].includes(name));
  const entries = names.map(async (name) => [name, (await readFile(join(folder, name))).toString('base64')] as const);
  return Object.fromEntries(await Promise.all(entries));
}

async function expectRows(folder: string, words: Case['words'], rows: number): Promise<void> {
  const tokens = await tokensOf(folder);
  const tensors = [...(await readTensorBytes(folder)).keys()];
  expect(tensors).toContain(EMBED);
  for (const tensor of tensors) {
    expect(await readF32(folder, tensor), tensor).toEqual(expectedRows(words, tokens, rows, tensor));
  }
}

describe.each([
  ['tied', true],
  ['untied', false],
] as const)('rows of a vocabulary, %s', (_name, isTied) => {
  it.each(CASES)('are matched by token, directly and by way of a delta: $name', async ({ words, expected }) => {
    const [rows, moved, fromTuned] = expected;
    const folders = await write(words, isTied);
    const report = await recycle({ ...folders, scale: SCALE });
    expect(report.vocabulary).toMatchObject({ moved, fromTuned });
    const tokens = await tokensOf(folders.out);
    await expectRows(folders.out, words, rows);
    const config = JSON.parse(await readFile(join(folders.out, 'config.json'), 'utf8')) as { vocab_size: number };
    expect(config.vocab_size).toBe(rows);
    const kept = new Set(tokens.map(([token]) => token));
    for (const token of [...words.target.model, ...(words.tuned.added ?? [])]) expect(kept).toContain(token);

    const [delta, applied] = [join(folders.root, 'delta'), join(folders.root, 'applied')];
    await diff({ ...folders, out: delta });
    const other = await apply({ target: folders.target, deltas: [{ folder: delta, scale: SCALE }], out: applied });
    await expectRows(applied, words, rows);
    expect(await contents(applied)).toEqual(await contents(folders.out));
    expect(other.vocabulary).toEqual(report.vocabulary);
  });
});
