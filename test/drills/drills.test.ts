import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DRILLS } from '../../drills/all-drills.ts';
import { DrillGround } from '../../drills/drill-ground.ts';
import { processesOf } from '../support/processes-of.ts';

const MINUTES = 60_000;
// The drills wait for timeouts most of the time, so two side by side cost little more than one.
vi.setConfig({ testTimeout: 6 * MINUTES, maxConcurrency: 2 });

let root: string;
let ground: DrillGround;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'regraft-drills-'));
  ground = new DrillGround({ root, environment: process.env });
  await ground.prepare();
}, 6 * MINUTES);

afterAll(async () => {
  await ground.close();
  await rm(root, { recursive: true, force: true });
}, MINUTES);

describe('a run keeps its promise after', () => {
  it.concurrent.each(DRILLS)('$fault: $summary', async (drill) => {
    const row = await ground.hold(drill);
    expect(row.broken).toEqual([]);
    expect(row).toMatchObject({ fault: drill.fault, curveEqual: true, finalDigestEqual: true });
    expect(row.secondsToTraining).toBeGreaterThan(0);
    expect(await processesOf(`${path.join(root, drill.fault)}/`)).toEqual([]);
  });
});

describe('the list of drills', () => {
  it('has fourteen, each with a name of its own that can be a folder and a lineage', () => {
    const names = DRILLS.map(({ fault }) => fault);
    expect(new Set(names).size).toBe(14);
    expect(names.filter((name) => !/^[a-z]+(-[a-z]+)+$/.test(name))).toEqual([]);
  });
});
