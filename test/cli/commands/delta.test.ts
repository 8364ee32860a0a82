import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli as run } from '../../support/run-cli.ts';
import { readF32, writeModelFolder, type ModelTriple } from '../../support/safetensors.ts';
import { tinyModel, tinyTriple } from './tiny-models.ts';

const NORM = 'model.norm.weight';

/** Makes the delta of a triple and returns its folder. */
async function makeDelta({ root, tuned, base }: ModelTriple): Promise<string> {
  const folder = path.join(root, 'delta');
  expect(await run('delta', 'diff', '--tuned', tuned, '--base', base, '--out', folder)).toMatchObject({ exitCode: 0 });
  return folder;
}

/** Changes the last byte of a file. */
async function tamper(file: string): Promise<void> {
  const bytes = await readFile(file);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
  await writeFile(file, bytes);
}

describe('regraft delta diff', () => {
  it('stores the difference and says how large it is', async () => {
    const { root, tuned, base } = await tinyTriple();
    const folder = path.join(root, 'delta');
    const line = ['delta', 'diff', '--tuned', tuned, '--base', base, '--out', folder];
    const { exitCode, out, err } = await run(...line);
    expect([exitCode, err]).toEqual([0, '']);
    const lines = out.split('\n');
    expect(lines.slice(0, 3)).toEqual([
      `Δ = ${tuned} − ${base}`,
      'LlamaForCausalLM: 18 parameters in 3 tensors (F32 3).',
      '‖Δ‖: 2.12132.', // √18 / 2
    ]);
    expect(out).toMatch(/│ delta\.json +│ [\d.]+ kB │/);
    expect(lines.at(-1)).toContain(` to ${folder} in `);
    expect(await run(...line)).toMatchObject({ exitCode: 1, err: expect.stringMatching(/\[WEIGHTS_OUTPUT_EXISTS\]$/) });
  });

  it('passes its options on, and answers with --json', async () => {
    const { root, target } = await tinyTriple();
    const stranger = await writeModelFolder(path.join(root, 'stranger'), tinyModel(-100));
    const out = path.join(root, 'delta');
    const line = ['delta', 'diff', '--tuned', target, '--base', stranger, '--out', out, '--max-shard-size', '32'];
    expect(await run(...line)).toMatchObject({ exitCode: 1, err: expect.stringMatching(/\[WEIGHTS_WRONG_BASE\]$/) });
    const answer = JSON.parse((await run(...line, '--allow-distant-base', '--json')).out) as object;
    expect(answer).toMatchObject({ out, isContinued: false, report: { manifest: { parameterCount: 18 } } });
    expect((answer as { report: { manifest: { shards: unknown[] } } }).report.manifest.shards).toHaveLength(3);
  });

  it('names every problem of models that do not fit', async () => {
    const { root, tuned } = await tinyTriple();
    const other = await writeModelFolder(path.join(root, 'other'), tinyModel(1, { architectures: ['Other'] }));
    const { exitCode, err } = await run(
      'delta',
      'diff',
      '--tuned',
      tuned,
      '--base',
      other,
      '--out',
      path.join(root, 'd'),
    );
    expect(exitCode).toBe(1);
    expect(err).toMatch(/^These models cannot be put together: 1 problem\.\n {2}.*Other.* \[WEIGHTS_INCOMPATIBLE\]$/);
  });
});

describe('regraft delta apply', () => {
  it('adds a delta to a model, as recycle would', async () => {
    const models = await tinyTriple();
    const folder = await makeDelta(models);
    const { exitCode, out, err } = await run(
      'delta',
      'apply',
      '--target',
      models.target,
      '--delta',
      folder,
      '--out',
      models.out,
    );
    expect([exitCode, err]).toEqual([0, '']);
    expect(await readF32(models.out, NORM)).toEqual([100.5, 101.5]);
    expect(out.split('\n')[0]).toBe(`${models.target} + 1 · ${folder}`);
    expect(out).toMatch(/│ moved +│ 18 +│ 100\.0 % +│/);
    expect(out).toContain(` to ${models.out} in `);
  });

  it('adds several, each by its own λ, with every other option', async () => {
    const models = await tinyTriple();
    const folder = await makeDelta(models);
    const { out } = await run(
      ...[
        'delta',
        'apply',
        '--target',
        models.target,
        '--delta',
        folder,
        '--delta',
        `${folder}=-3`,
        '--out',
        models.out,
      ],
      ...['--exclude', 'lm_head.weight', '--dtype', 'F32', '--previous', folder, '--threads', '2', '--json'],
    );
    expect(JSON.parse(out)).toMatchObject({ out: models.out, report: { parametersMoved: 10, parametersExcluded: 8 } });
    expect((JSON.parse(out) as { report: { health: { cosine: number } } }).report.health.cosine).toBeCloseTo(-1, 9);
    expect(await readF32(models.out, NORM)).toEqual([99, 100]);
    expect(await readF32(models.out, 'lm_head.weight')).toEqual(await readF32(models.target, 'lm_head.weight'));
  });
});

describe('regraft delta inspect', () => {
  it('describes a delta', async () => {
    const models = await tinyTriple();
    const folder = await makeDelta(models);
    const { out } = await run('delta', 'inspect', folder);
    expect(out.split('\n')[0]).toMatch(/: a delta of \d+ B$/);
    expect(out).toContain('\nLlamaForCausalLM: 18 parameters in 3 tensors (F32 3).\n‖Δ‖: 2.12132.\n');
    expect(out).toMatch(/\nSubtracted: tuned sha256:[0-9a-f]{64} − base sha256:[0-9a-f]{64}\.\n/);
    const answer: unknown = JSON.parse((await run('delta', 'inspect', folder, '--json')).out);
    expect(answer).toMatchObject({ kind: 'delta', manifest: { parameterCount: 18 } });
  });

  it('describes a model', async () => {
    const { root } = await tinyTriple();
    const folder = await writeModelFolder(path.join(root, 'tied'), tinyModel(1, { tie_word_embeddings: true }));
    const { out } = await run('delta', 'inspect', folder);
    expect(out.split('\n')[0]).toMatch(/: a model of \d+ B$/);
    expect(out).toContain('\nLlamaForCausalLM: 10 parameters in 2 tensors (F32 2); the embedding is the head too.\n');
    expect(out).toMatch(/\nVocabulary: 4 rows; tokenizer sha256:[0-9a-f]{64}\.\n/);
    expect(out.split('\n').at(-1)).toBe('Nothing here keeps it from being recycled.');
    const answer: unknown = JSON.parse((await run('delta', 'inspect', folder, '--json')).out);
    expect(answer).toMatchObject({ kind: 'model', report: { parameterCount: 10, tied: true } });
  });

  it('says what is missing in a folder that is neither', async () => {
    const { exitCode, err } = await run('delta', 'inspect', '/nowhere/at-all');
    expect(exitCode).toBe(1);
    expect(err).toMatch(/^\/nowhere\/at-all.*\[WEIGHTS_FILE_MISSING\]$/);
  });
});

describe('regraft delta verify', () => {
  it('reads a delta and a made model, and says what they were made of', async () => {
    const models = await tinyTriple();
    const folder = await makeDelta(models);
    const verified = await run('delta', 'verify', folder);
    expect([verified.exitCode, verified.err]).toEqual([0, '']);
    expect(verified.out).toMatch(/: a delta made by diff; 2 files \(\d+ B\) are as they were written\.\nMade of:\n/);
    expect(verified.out).toMatch(/\n {2}tuned: sha256:[0-9a-f]{64}\n {2}base: sha256:[0-9a-f]{64}$/);
    await run('delta', 'apply', '--target', models.target, '--delta', folder, '--out', models.out);
    const model = await run('delta', 'verify', models.out);
    expect(model.out).toMatch(/: a model made by apply; 3 files \([\d.]+ k?B\) are as they were written\./);
    expect(model.out).toMatch(/\n {2}target: layout sha256:[0-9a-f]{64}\n/);
    const answer: unknown = JSON.parse((await run('delta', 'verify', models.out, '--json')).out);
    expect(answer).toMatchObject({ kind: 'model', operation: 'apply', files: 3 });
  });

  it('refuses a folder in which one byte is another, and names the file', async () => {
    const models = await tinyTriple();
    const folder = await makeDelta(models);
    await tamper(path.join(folder, 'delta-00001-of-00001.delta'));
    const { exitCode, out, err } = await run('delta', 'verify', folder);
    expect([exitCode, out]).toEqual([1, '']);
    expect(err).toContain('delta-00001-of-00001.delta: found other bytes');
    expect(err).toMatch(/\[WEIGHTS_VERIFY_FAILED\]$/);
  });
});

describe('regraft delta', () => {
  it.each([
    [[], 'regraft delta: the action is missing. There are diff, apply, inspect, verify.'],
    [['aply'], 'regraft delta: `aply` is no action; did you mean `apply`?'],
    [['diff', '--tuned', 'a'], 'regraft delta diff: --base and --out are missing; for example: regraft delta diff '],
    [['diff', '--target', 'a'], "regraft delta diff: Unknown option '--target'"],
    [['diff', '--tuned', 'a', '--base', 'b', '--out', 'c', '--max-shard-size', '0'], '--max-shard-size is `0`'],
    [['apply', '--target', 'a', '--out', 'b'], 'regraft delta apply: --delta is missing'],
    [['apply', '--target', 'a', '--out', 'b', '--delta', '=1'], '--delta is `=1`, expected FOLDER or FOLDER=SCALE'],
    [['apply', '--target', 'a', '--out', 'b', '--delta', 'c', '--threads', 'x'], '--threads is `x`'],
    [['inspect'], 'regraft delta inspect: FOLDER is missing'],
    [['verify', 'a', 'b'], 'regraft delta verify: `b` is too much'],
  ])('takes %j for wrong usage, and ends with 2', async (words, sentence) => {
    const { exitCode, out, err } = await run('delta', ...words);
    expect([exitCode, out]).toEqual([2, '']);
    expect(err).toContain(sentence);
    expect(err).toMatch(/\[USAGE\]$/);
  });
});
