import { appendFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTrainingSteps } from '../../../adapters/trainer/training-steps.ts';
import { temporaryFolder } from '../../support/safetensors.ts';

const valuesOf = (step: number): Readonly<Record<string, number | string>> => ({
  attempt: 1,
  step,
  lossNats: 0.123_456_789_012_345_67,
  learningRate: 2.5e-5,
  gradientNorm: 1,
  stepSeconds: 0.01,
  tokensSeen: step * 8,
  memoryBytes: 5e8,
  device: 'cpu',
});
const line = (step: number): string => `${JSON.stringify({ ...valuesOf(step), time: '2026-11-24T08:47:28Z' })}\n`;

async function write(folder: string, text: string): Promise<void> {
  await appendFile(path.join(folder, 'metrics.jsonl'), text);
}

describe('readTrainingSteps', () => {
  it('finds nothing before the first step', async () => {
    expect(await readTrainingSteps(await temporaryFolder(), 0)).toEqual({ steps: [], offsetBytes: 0 });
  });

  it('reads on from where it stopped, every step once and to the last digit', async () => {
    const folder = await temporaryFolder();
    await write(folder, line(1) + line(2));
    const first = await readTrainingSteps(folder, 0);
    expect(first.steps).toEqual([valuesOf(1), valuesOf(2)]);
    expect(await readTrainingSteps(folder, first.offsetBytes)).toEqual({ steps: [], offsetBytes: first.offsetBytes });
    await write(folder, line(3));
    expect((await readTrainingSteps(folder, first.offsetBytes)).steps).toEqual([valuesOf(3)]);
  });

  it('lets a line that is still being written wait, wherever it is cut', async () => {
    for (let cut = 1; cut < line(2).length; cut += 7) {
      const folder = await temporaryFolder();
      await write(folder, line(1) + line(2).slice(0, cut));
      const first = await readTrainingSteps(folder, 0);
      expect(first).toEqual({ steps: [valuesOf(1)], offsetBytes: line(1).length });
      await write(folder, line(2).slice(cut));
      expect((await readTrainingSteps(folder, first.offsetBytes)).steps).toEqual([valuesOf(2)]);
    }
  });

  it('counts bytes, not letters', async () => {
    const folder = await temporaryFolder();
    const wide = `${JSON.stringify({ ...valuesOf(1), time: 'früh Δ' })}\n`;
    await write(folder, wide + line(2));
    const { steps, offsetBytes } = await readTrainingSteps(folder, 0);
    expect(steps).toHaveLength(2);
    expect(offsetBytes).toBe(Buffer.byteLength(wide + line(2)));
  });

  it.each([
    ['torn by a kill and run together with the next attempt’s', `${line(2).slice(0, 30)}${line(2)}`],
    ['of zeros, as a power cut leaves them', `${'\0'.repeat(64)}\n`],
    ['that is empty', '\n'],
  ])('skips a line %s', async (_claim, torn) => {
    const folder = await temporaryFolder();
    await write(folder, line(1) + torn + line(3));
    const { steps, offsetBytes } = await readTrainingSteps(folder, 0);
    expect(steps).toEqual([valuesOf(1), valuesOf(3)]);
    expect(offsetBytes).toBe((line(1) + torn + line(3)).length);
  });

  it('takes what a trainer does not say as unknown, and refuses what makes no sense, naming line and field', async () => {
    const folder = await temporaryFolder();
    const least = { attempt: 1, step: 1, lossNats: 0.5, learningRate: 1e-4 };
    await write(folder, `${JSON.stringify(least)}\n`);
    const unknown = { gradientNorm: null, stepSeconds: null, tokensSeen: null, memoryBytes: null, device: null };
    expect((await readTrainingSteps(folder, 0)).steps).toEqual([{ ...least, ...unknown }]);
    await write(folder, `${JSON.stringify({ ...least, lossNats: 'low' })}\n`);
    await expect(readTrainingSteps(folder, 0)).rejects.toMatchObject({
      code: 'TRAINER_METRICS_INVALID',
      retryable: false,
      message: expect.stringMatching(/metrics\.jsonl has the line .*"low".* in which lossNats is wrong/) as string,
    });
  });
});
