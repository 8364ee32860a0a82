import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../../../workers/settings.ts';
import { runCli as run, type Ran } from '../../support/run-cli.ts';
import { readF32, readTensorBytes, writeModelFolder, type ModelTriple } from '../../support/safetensors.ts';
import { slowTriple, tinyModel, tinyTriple } from './tiny-models.ts';

const NORM = 'model.norm.weight';

/** The words that name a triple on a command line. */
function named({ tuned, base, target }: ModelTriple): readonly string[] {
  return ['recycle', '--tuned', tuned, '--base', base, '--target', target];
}

describe('regraft recycle', () => {
  it('makes the new model and reports what became of it', async () => {
    const models = await tinyTriple();
    const { exitCode, out, err } = await run(...named(models), '--out', models.out);
    expect([exitCode, err]).toEqual([0, '']);
    expect(await readF32(models.out, NORM)).toEqual([100.5, 101.5]);
    const lines = out.split('\n');
    expect(lines[0]).toBe(`${models.target} + λ(${models.tuned} − ${models.base}), λ = 1`);
    expect(out).toMatch(/│ moved +│ 18 +│ 100\.0 % +│/);
    expect(out).toContain("config.json rope_theta: base 1, fine-tune 2, target 3; taken: the target's");
    expect(out).toMatch(/│ model\.safetensors │ \d+ B +│/);
    expect(lines.at(-1)).toMatch(/^Wrote [\d.]+ kB to \S+ in [\d.]+ s, [\d.]+ [kMG]?B\/s\.$/);
    expect(out).toContain(` to ${models.out} in `);
  });

  it('passes every option on to the engine', async () => {
    const models = await tinyTriple();
    const { out } = await run(
      ...[...named(models), '--out', models.out, '--lambda', '2', '--scale', 'model\\.norm.*=-1', '--json'],
      ...['--exclude', 'lm_head.weight', '--dtype', 'f64', '--max-shard-size', '64B', '--threads', '1'],
    );
    const { results } = JSON.parse(out) as {
      results: { scale: number; out: string; report: Record<string, unknown> }[];
    };
    expect(results).toMatchObject([
      { scale: 2, out: models.out, report: { parametersMoved: 10, parametersExcluded: 8, parametersKept: 0 } },
    ]);
    const bytes = await readTensorBytes(models.out);
    expect([...new Float64Array(bytes.get(NORM)!.slice().buffer)]).toEqual([99.5, 100.5]);
    expect([...new Float64Array(bytes.get('model.embed_tokens.weight')!.slice().buffer)].slice(0, 2)).toEqual([
      101, 102,
    ]);
    const files = (await readdir(models.out)).filter((name) => name.endsWith('.safetensors'));
    expect(files).toHaveLength(3);
  });

  it('keeps what is not included, and compares with an earlier delta', async () => {
    const models = await tinyTriple();
    const previous = path.join(models.root, 'delta');
    await run('delta', 'diff', '--tuned', models.tuned, '--base', models.base, '--out', previous);
    const include = ['--include', NORM, '--include', 'lm_head.weight'];
    const { out } = await run(...named(models), '--out', models.out, ...include, '--previous', previous);
    expect(out).toMatch(/│ moved +│ 10 +│ 55\.6 % +│/);
    expect(out).toMatch(/│ kept +│ 8 +│ 44\.4 % +│/);
    expect(out).toContain('Cosine of Δ with the previous Δ: 1.000.');
  });

  it('makes one model for every λ when there are several', async () => {
    const models = await tinyTriple();
    const lambdas = ['--lambda', '0.50', '--lambda=-1', '--lambda', '0'];
    const { exitCode, out } = await run(...named(models), '--out', models.out, ...lambdas);
    expect(exitCode).toBe(0);
    expect((await readdir(models.out)).sort()).toEqual(['lambda--1', 'lambda-0', 'lambda-0.5']);
    expect(await readF32(path.join(models.out, 'lambda-0.5'), NORM)).toEqual([100.25, 101.25]);
    expect(await readF32(path.join(models.out, 'lambda--1'), NORM)).toEqual([99.5, 100.5]);
    expect(await readF32(path.join(models.out, 'lambda-0'), NORM)).toEqual([100, 101]);
    expect(out).toMatch(/│ 0\.5 │ [\d.]+ % +│ .*│ lambda-0\.5 │/);
  });

  it('shows the plan and writes nothing when it is asked for a dry run', async () => {
    const models = await tinyTriple();
    const { exitCode, out, err } = await run(...named(models), '--dry-run');
    expect([exitCode, err]).toEqual([0, '']);
    expect(out).toMatch(/│ moved +│ 18 +│ 100\.0 % +│/);
    expect(out.split('\n').at(-1)).toBe('Nothing was written.');
    expect((await readdir(models.root)).sort()).toEqual(['base', 'target', 'tuned']);
    const json = await run(...named(models), '--dry-run', '--json', '--lambda', '1', '--lambda', '2');
    const plan = JSON.parse(json.out) as { tensors: { scales: readonly number[] }[] };
    expect(plan).toMatchObject({ problems: [], coverage: { parametersMoved: 18 }, dtypes: { output: { F32: 3 } } });
    expect(plan.tensors.map(({ scales }) => scales)).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
  });

  it('names every problem on its own line, in a dry run and before any work', async () => {
    const models = await tinyTriple();
    await rm(models.target, { recursive: true });
    await writeModelFolder(models.target, tinyModel(100, { architectures: ['MistralForCausalLM'] }));
    const wrong = [...named(models), '--exclude', 'no\\.such', '--include', 'nor\\.this'];
    const dry = await run(...wrong, '--dry-run');
    expect(dry.exitCode).toBe(1);
    const problems = dry.out.split('\n').slice(1);
    expect(problems).toHaveLength(3);
    expect(problems).toContainEqual(expect.stringMatching(/^Problem: .*MistralForCausalLM/));
    expect(problems).toContainEqual(expect.stringMatching(/^Problem: exclude `no\\.such`: found no tensor/));
    expect(dry.err).toBe('These models cannot be put together: 3 problems, listed above. [WEIGHTS_INCOMPATIBLE]');
    const real = await run(...wrong, '--out', models.out);
    expect([real.exitCode, real.out]).toEqual([1, '']);
    expect(real.err.split('\n').slice(1)).toEqual(
      problems.map(
        (line, index) => `  ${line.replace('Problem: ', '')}${index === 2 ? ' [WEIGHTS_INCOMPATIBLE]' : ''}`,
      ),
    );
    const json = await run(...wrong, '--out', models.out, '--json');
    const { error } = JSON.parse(json.err) as { error: { code: string; details: { problems: unknown[] } } };
    expect(error).toMatchObject({ code: 'WEIGHTS_INCOMPATIBLE' });
    expect(error.details.problems).toHaveLength(3);
    expect(existsSync(models.out)).toBe(false);
  });

  it('refuses a base that is no parent of the fine-tune, unless it is allowed', async () => {
    const models = await tinyTriple();
    const base = await writeModelFolder(path.join(models.root, 'stranger'), tinyModel(-100));
    const strange = [...named({ ...models, base }), '--out', models.out];
    const { exitCode, err } = await run(...strange);
    expect(exitCode).toBe(1);
    expect(err).toMatch(/\[WEIGHTS_WRONG_BASE\]$/);
    expect((await run(...strange, '--allow-distant-base')).exitCode).toBe(0);
  });

  it('leaves alone what is there already', async () => {
    const models = await tinyTriple();
    const { exitCode, err } = await run(...named(models), '--out', models.tuned);
    expect(exitCode).toBe(1);
    expect(err).toMatch(/\[WEIGHTS_OUTPUT_EXISTS\]$/);
  });

  it.each([
    [['--tuned', 'a'], 'regraft recycle: --base and --target and --out are missing; for example: regraft recycle '],
    [['--tuned', 'a', '--dry-run'], 'regraft recycle: --base and --target are missing; for example: '],
    [['--lambda', 'half'], '--lambda is `half`, expected a number'],
    [['--lambda', '1', '--lambda', '1.0'], '--lambda 1 is given twice; give every λ once.'],
    [['--scale', 'x'], '--scale is `x`, expected PATTERN=SCALE'],
    [['--max-shard-size', 'big'], '--max-shard-size is `big`, expected a size'],
    [['--dtype', 'int8'], '--dtype is `int8`, expected one of'],
    [['--threads', '0'], '--threads is `0`, expected a whole number of at least 1.'],
    [['--lamda', '1'], "regraft recycle: Unknown option '--lamda'"],
    [['a'], 'regraft recycle: `a` is too much'],
  ])('takes %j for wrong usage, and ends with 2', async (words, sentence) => {
    const complete = words.includes('--tuned') ? [] : ['--tuned', 'a', '--base', 'b', '--target', 'c', '--out', 'd'];
    const { exitCode, out, err } = await run('recycle', ...complete, ...words);
    expect([exitCode, out]).toEqual([2, '']);
    expect(err).toContain(sentence);
    expect(err).toMatch(/\[USAGE\]$/);
  });
});

/** Runs the program in a process that gets SIGINT as soon as a file or folder is there. */
async function interruptedAt(place: string, ...argv: readonly string[]): Promise<Ran> {
  // From within, because the work is over before another process would have noticed.
  const watch = `import { existsSync } from 'node:fs';
    const timer = setInterval(() => {
      if (!existsSync(${JSON.stringify(place)})) return;
      clearInterval(timer);
      process.kill(process.pid, 'SIGINT');
    }, 1);`;
  const program = path.join(PROJECT_ROOT, 'bin', 'regraft.mjs');
  const preload = `data:text/javascript,${encodeURIComponent(watch)}`;
  const child = spawn(process.execPath, ['--import', preload, program, ...argv]);
  const texts = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.err += text));
  const exitCode = await new Promise<number>((resolve) => {
    child.once('close', (code) => {
      resolve(code ?? -1);
    });
  });
  return { exitCode, ...texts };
}

describe('regraft recycle, interrupted', () => {
  it('keeps what is done, ends with 130, and goes on when it is called again', async () => {
    const models = await slowTriple();
    const partial = `${models.out}.partial`;
    const lock = `${partial}.lock`; // there while the engine is at work
    const line = [...named(models), '--out', models.out, '--threads', '1'];
    expect(await interruptedAt(lock, ...line)).toEqual({
      exitCode: 130,
      out: '',
      err: `Stopping; once more ends it at once.\nStopped; what is done is kept in ${partial}, and the same command goes on there. [WEIGHTS_ABORTED]\n`,
    });
    expect(existsSync(models.out)).toBe(false);
    expect(existsSync(lock)).toBe(false);

    const json = await interruptedAt(lock, ...line, '--json');
    expect([json.exitCode, json.out]).toEqual([130, '']);
    expect(JSON.parse(json.err)).toMatchObject({ error: { code: 'WEIGHTS_ABORTED', details: { kept: [partial] } } });

    const again = await run(...line);
    expect([again.exitCode, again.err]).toEqual([0, '']);
    expect(again.out).toMatch(/ s, going on where an earlier run was stopped\.$/);
    expect(new Set(await readF32(models.out, 'w'))).toEqual(new Set([4.5]));
    expect(existsSync(partial)).toBe(false);
  });
});
