import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { apply, checkCompatible, diff, inspect, recycle } from '../../weights/index.ts';
import { temporaryFolder } from '../support/safetensors.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SCALE = 0.7;
/** Parameters, a tied embedding once, by hand: embedding 160·32; a layer of attention 32·(32+16+16+32), MLP 3·32·64, norms. */
const CASES: Readonly<Record<string, { readonly parameters: number; readonly tied: boolean }>> = {
  llama: { parameters: 2 * 5120 + 2 * (3072 + 6144 + 64) + 32, tied: false },
  'llama-tied-f32': { parameters: 5120 + 2 * (3072 + 6144 + 64) + 32, tied: true },
  'olmo2-f16': { parameters: 2 * 5120 + 2 * (3072 + 6144 + 64 + 48) + 32, tied: false },
  'qwen2-tied': { parameters: 5120 + 2 * (3072 + 6144 + 64 + 64) + 32, tied: true },
  'gemma2-tied': { parameters: 5120 + 2 * (3072 + 6144 + 128) + 32, tied: true },
};

/** Runs the Python script beside this file on one thread and returns the JSON that it prints. */
async function python(...args: readonly string[]): Promise<unknown> {
  const script = join(import.meta.dirname, 'make-models.py');
  const env = { ...process.env, OMP_NUM_THREADS: '1', HF_HUB_OFFLINE: '1', CUDA_VISIBLE_DEVICES: '' };
  const { stdout } = await promisify(execFile)(join(ROOT, '.venv', 'bin', 'python'), [script, ...args], { env });
  return JSON.parse(stdout);
}

function verdict({ parameters, tied }: { parameters: number; tied: boolean }): unknown {
  return {
    ...{ wrong: {}, extra: [], missing: [], unexpected: [], unmoved: [] },
    ...{ compared: parameters, parameters, tied, stores_head: !tied, same_shards: true, sharded: true },
    ...{ rope_theta: 500_000, finite: true, loads_delta: false },
  };
}

it('recycles models of four families that transformers wrote into models that it loads, equal to float64 arithmetic bit for bit', async () => {
  const root = await temporaryFolder();
  expect(await python('make', root)).toEqual({ cases: Object.keys(CASES) });
  for (const [name, { parameters, tied }] of Object.entries(CASES)) {
    const folder = (role: string): string => join(root, name, role);
    const models = { target: folder('target'), tuned: folder('tuned'), base: folder('base') };
    expect(await checkCompatible(models)).toEqual([]);
    expect(await inspect(models.target)).toMatchObject({ parameterCount: parameters, tied });
    const report = await recycle({ ...models, scale: SCALE, out: folder('out') });
    expect([report.parametersMoved, report.parametersKept, report.parametersMapped]).toEqual([parameters, 0, 0]);

    const { manifest } = await diff({ tuned: models.tuned, base: models.base, out: folder('delta') });
    expect([manifest.parameterCount, manifest.tied]).toEqual([parameters, tied]);
    const deltas = [{ folder: folder('delta'), scale: SCALE }];
    const stored = await apply({ target: models.target, deltas, out: folder('applied') });
    const weightsOf = ({ outputs }: typeof report): unknown =>
      outputs.filter(({ path }) => path.endsWith('.safetensors'));
    // A difference of two 16-bit weights of this size fits float32, so that a stored Δ loses nothing.
    if (!name.endsWith('f32')) expect(weightsOf(stored)).toEqual(weightsOf(report));
  }
  const verdicts = Object.fromEntries(Object.entries(CASES).map(([name, facts]) => [name, verdict(facts)]));
  expect(await python('judge', root, String(SCALE))).toEqual(verdicts);
}, 180_000);
