import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { apply, checkCompatible, diff, inspect, recycle } from '../../weights/index.ts';
import { temporaryFolder } from '../support/safetensors.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const CASES = ['untied-f32', 'untied-bf16', 'tied-f32', 'tied-bf16'];
const SCALE = 0.7;

/** Runs the Python script beside this file on one thread and returns the JSON that it prints. */
async function python(...args: readonly string[]): Promise<unknown> {
  const script = join(import.meta.dirname, 'make-models.py');
  const env = { ...process.env, OMP_NUM_THREADS: '1', HF_HUB_OFFLINE: '1', CUDA_VISIBLE_DEVICES: '' };
  const { stdout } = await promisify(execFile)(join(ROOT, '.venv', 'bin', 'python'), [script, ...args], { env });
  return JSON.parse(stdout);
}

const verdict = (name: string): unknown => ({
  wrong: {},
  compared: 21,
  missing: [],
  unexpected: [],
  moved: true,
  tied: name.startsWith('tied'),
  rope_theta: 500_000,
  finite: true,
  stores_head: name.startsWith('untied'),
  same_shards: true,
  loads_delta: false,
});

it('recycles models that transformers wrote into models that it loads, equal to float64 arithmetic bit for bit', async () => {
  const root = await temporaryFolder();
  expect(await python('make', root)).toEqual({ cases: CASES });
  for (const name of CASES) {
    const folder = (role: string): string => join(root, name, role);
    const models = { target: folder('target'), tuned: folder('tuned'), base: folder('base') };
    expect(await checkCompatible(models)).toEqual([]);
    const report = await recycle({ ...models, scale: SCALE, out: folder('out') });
    const { parameterCount, tied } = await inspect(models.target);
    expect([report.parametersMoved, report.parametersKept, tied]).toEqual([parameterCount, 0, name.startsWith('tied')]);

    const { manifest } = await diff({
      ...models,
      out: folder('delta'),
      parents: { tuned: 'sha256:t', base: 'sha256:b' },
    });
    expect([manifest.parameterCount, manifest.tied]).toEqual([parameterCount, tied]);
    const deltas = [{ folder: folder('delta'), scale: SCALE }];
    const stored = await apply({ target: models.target, deltas, out: folder('applied') });
    // A difference of two bf16 weights of this size fits float32, so that a stored Δ loses nothing.
    if (name.endsWith('bf16')) expect(stored).toEqual(report);
  }
  const verdicts = Object.fromEntries(CASES.map((name) => [name, verdict(name)]));
  expect(await python('judge', root, String(SCALE))).toEqual(verdicts);
}, 180_000);
