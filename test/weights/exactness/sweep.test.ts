import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { recycle, sweep, type ApplyReport } from '../../../weights/index.ts';
import { singleFile, writeTriple } from '../../support/safetensors.ts';
import { drawElements, MIXES, tensorsOf } from './operands.ts';
import { isFinitePattern, recycledBits } from './reference.ts';

const SCALES = [1, 0, 0.5, -1, 1e-3, 1];
const KERNELS = ['wasm', 'typescript'] as const;

interface Made {
  readonly folder: string;
  readonly report: ApplyReport | undefined;
}

/** Every λ by one sweep, and by a recycle of its own. */
async function makeBoth(kernel: (typeof KERNELS)[number]): Promise<readonly { swept: Made; alone: Made }[]> {
  const drawn = MIXES.map((mix, index) =>
    drawElements(mix, 77, index, (triple) =>
      SCALES.every((scale) => isFinitePattern(mix.target, recycledBits(mix.target, triple, scale))),
    ),
  );
  const folders = await writeTriple({
    target: singleFile(...tensorsOf(drawn, 'target')),
    tuned: singleFile(...tensorsOf(drawn, 'tuned')),
    base: singleFile(...tensorsOf(drawn, 'base')),
  });
  const selection = { scales: [{ pattern: 'BF16\\..*', scale: 0.3 }], exclude: ['F16\\.F16\\..*'] };
  const options = { ...folders, ...selection, kernel, durable: false };
  const outputs = SCALES.map((scale, index) => ({ scale, out: join(folders.root, `swept-${index}`) }));
  const reports = await sweep({ ...options, outputs });
  expect(reports).toHaveLength(SCALES.length);
  const both: { swept: Made; alone: Made }[] = [];
  for (const [index, { scale, out }] of outputs.entries()) {
    const folder = join(folders.root, `alone-${index}`);
    const report = await recycle({ ...options, scale, out: folder });
    both.push({ swept: { folder: out, report: reports[index] }, alone: { folder, report } });
  }
  return both;
}

it.each(KERNELS)('a sweep gives for every λ the weights that recycle gives, by the %s kernel', async (kernel) => {
  const different = new Set<string>();
  for (const { swept, alone } of await makeBoth(kernel)) {
    const [ours, theirs] = await Promise.all(
      [swept, alone].map(({ folder }) => readFile(join(folder, 'model.safetensors'), 'base64')),
    );
    expect(ours).toBe(theirs);
    different.add(ours ?? '');
  }
  expect(different.size).toBe(5); // of six λ two are the same
});

it('a sweep reports of every λ, and tells in regraft.json, what recycle does', async () => {
  for (const { swept, alone } of await makeBoth('wasm')) {
    expect(swept.report).toEqual(alone.report);
    const [ours, theirs] = await Promise.all(
      [swept, alone].map(({ folder }) => readFile(join(folder, 'regraft.json'), 'utf8')),
    );
    expect(ours).toBe(theirs);
  }
});
