import { link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openLanguageModel, type ScoreOptions, type ScoreRequest, type ScoreResult } from '../../inference/index.ts';
import { makeModels } from './python.ts';

const CASES = [
  ...['untied', 'tied', 'shared-heads', 'own-head-size', 'biased', 'llama3-rope', 'linear-rope', 'sharded'],
  ...['bf16', 'bf16-tied', 'f16', 'long'],
];
const SHARDS = 5;
const ids = z.array(z.int());
const Judged = z.object({ prompt: ids, continuation: ids, logprobs: z.array(z.number()), greedy: z.boolean() });
const Expected = z.record(z.string(), z.array(Judged).length(12));

let root: string;
let expected: z.infer<typeof Expected>;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'regraft-inference-'));
  expected = Expected.parse(await makeModels(['models', root]));
}, 120_000);

afterAll(() => rm(root, { recursive: true, force: true }));

async function score(
  folder: string,
  requests: readonly ScoreRequest[],
  options?: ScoreOptions,
): Promise<readonly ScoreResult[]> {
  const model = await openLanguageModel(folder);
  try {
    return await model.score(requests, options);
  } finally {
    await model.close();
  }
}

/** The largest distance between our log-probabilities and those of transformers; NaN when counts differ. */
function distance(results: readonly ScoreResult[], judged: readonly z.infer<typeof Judged>[]): number {
  if (results.length !== judged.length) return Number.NaN;
  return Math.max(
    ...results.flatMap(({ logProbabilitiesNats: ours }, index) => {
      const theirs = judged[index]?.logprobs ?? [];
      if (ours.length !== theirs.length) return Number.NaN;
      return ours.map((nats, token) => Math.abs(nats - (theirs[token] ?? Number.NaN)));
    }),
  );
}

const greedyFlags = (rows: readonly { readonly greedy: boolean }[]): readonly boolean[] =>
  rows.map(({ greedy }) => greedy);

describe('a model folder that transformers wrote', () => {
  it('is there for every case, with requests that are greedy and requests that are not', async () => {
    expect(Object.keys(expected)).toEqual(CASES);
    for (const name of CASES) {
      expect(new Set(greedyFlags(expected[name] ?? [])), name).toEqual(new Set([true, false]));
    }
    expect(Math.max(...(expected['long'] ?? []).map(({ logprobs }) => logprobs.length))).toBe(700);
    const files = await readdir(join(root, 'sharded'));
    expect(files.filter((file) => file.endsWith('.safetensors'))).toHaveLength(SHARDS);
  });

  for (const name of CASES) {
    it(`${name}: scores as transformers does in float32, within 1e-4 nats, and with the same greedy flags`, async () => {
      const judged = expected[name] ?? [];
      for (const batchTokens of [2048, 1]) {
        const results = await score(join(root, name), judged, { batchTokens });
        expect(distance(results, judged)).toBeLessThan(1e-4);
        expect(greedyFlags(results)).toEqual(greedyFlags(judged));
      }
    });
  }

  it('gives the same numbers, bit for bit, when it is asked again', async () => {
    const judged = expected['sharded'] ?? [];
    expect(await score(join(root, 'sharded'), judged)).toEqual(await score(join(root, 'sharded'), judged));
  });

  it('scores a snapshot whose files are symbolic links into another folder, as a Hub cache is', async () => {
    const snapshot = join(root, 'hub', 'snapshots', 'abc');
    const blobs = join(root, 'hub', 'blobs');
    await mkdir(snapshot, { recursive: true });
    await mkdir(blobs);
    // Shards in two folders, so that their common folder is neither's own.
    for (const [index, file] of (await readdir(join(root, 'sharded'))).entries()) {
      const folder = join(blobs, index % 2 === 0 ? 'even' : 'odd');
      await mkdir(folder, { recursive: true });
      await link(join(root, 'sharded', file), join(folder, `blob-${index}`));
      await symlink(join(folder, `blob-${index}`), join(snapshot, file));
    }
    const judged = expected['sharded'] ?? [];
    expect(distance(await score(snapshot, judged), judged)).toBeLessThan(1e-4);
  });

  it('reads its RoPE from config files of before transformers 5', async () => {
    for (const name of ['llama3-rope', 'linear-rope']) {
      const folder = join(root, `old-${name}`);
      await mkdir(folder);
      await link(join(root, name, 'model.safetensors'), join(folder, 'model.safetensors'));
      const { rope_parameters: parameters, ...config } = z
        .looseObject({ rope_parameters: z.looseObject({ rope_theta: z.number() }) })
        .parse(JSON.parse(await readFile(join(root, name, 'config.json'), 'utf8')));
      const { rope_theta, ...rope_scaling } = parameters;
      await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, rope_theta, rope_scaling }));
      const judged = expected[name] ?? [];
      expect(distance(await score(folder, judged), judged), name).toBeLessThan(1e-4);
    }
  });
});
