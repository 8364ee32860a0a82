import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { planChaos } from './plan-chaos.ts';
import { runChaos } from './run-chaos.ts';

const SEEDS = [1, 2, 3];

// A seed waits for most of its time: for the next release, and for the server to notice what was killed.
vi.setConfig({ testTimeout: 8 * 60_000, maxConcurrency: SEEDS.length });

describe('twelve releases, while everything is killed', () => {
  it.concurrent.for(SEEDS)('keep every promise with seed %i', async (seed, { onTestFinished }) => {
    const root = await mkdtemp(path.join(tmpdir(), 'regraft-chaos-'));
    onTestFinished(() => rm(root, { recursive: true, force: true }));
    const story: string[] = [];
    const { problems } = await runChaos(planChaos(seed), root, (line) => story.push(line));
    expect(problems, `npm run chaos -- --seed ${String(seed)}\n${story.join('\n')}`).toEqual([]);
  });
});
