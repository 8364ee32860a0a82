import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sayCount } from '../../../policy/gate/say-amount.ts';
import { noticedDifference, pairedSampleSize } from '../../../policy/statistics/paired-power.ts';
import { judgeTable } from './gate-values.ts';

const PAGE = join(import.meta.dirname, '..', '..', '..', 'docs', 'evaluation.md');
const DISCORDANCES = [0.01, 0.05, 0.1, 0.2];

/** The cells of the page's table after a mark, without its head. */
async function tableAfter(mark: string): Promise<readonly (readonly string[])[]> {
  const lines = (await readFile(PAGE, 'utf8')).split(`<!-- computed: ${mark} -->`)[1]?.trim().split('\n') ?? [];
  const end = lines.findIndex((line) => !line.startsWith('|'));
  return lines.slice(2, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe('docs/evaluation.md', () => {
  it('has the numbers of samples that the code computes', async () => {
    const computed = DISCORDANCES.map((discordance) => [
      `${String(100 * discordance)} %`,
      ...[0.05, 0.02, 0.01, 0.005].map((margin) =>
        sayCount(pairedSampleSize(0.8, { difference: 0, discordance }, { bound: -margin, alpha: 0.05 }) ?? NaN),
      ),
    ]);
    expect(await tableAfter('samples')).toEqual(computed);
  });

  it('has the drops that the code says are noticed', async () => {
    const computed = [100, 256, 500, 1_319, 5_000].map((samples) => [
      sayCount(samples),
      ...DISCORDANCES.map((discordance) =>
        (100 * (noticedDifference(samples, 0.8, discordance, { bound: 0, alpha: 0.05 }) ?? NaN)).toFixed(1),
      ),
    ]);
    expect(await tableAfter('noticed')).toEqual(computed);
  });

  it('shows a sentence as the gate writes it', async () => {
    const { sentence } = judgeTable({ nonInferior: { desc: 0.02 } }, 256, { negative: 3, positive: 1 }, 1, 'desc');
    const page = (await readFile(PAGE, 'utf8')).replace(/\s+/g, ' ');
    expect(page).toContain(sentence.replace('published M1', 'published M3'));
  });
});
