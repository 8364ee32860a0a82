import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judgeInference } from '../../../scripts/bench/inference/reaches.ts';
import type { InferenceRow } from '../../../scripts/bench/inference/row.ts';
import { parseBenchOptions } from '../../../scripts/bench/options.ts';

const LIMIT_MS = 240_000;
const TOOLS = ['regraft', 'regraft-prepacked', 'transformers'];

let place: string;
const bench = (...args: readonly string[]) => {
  const all = ['scripts/bench.mjs', 'inference', '--size', 'small', '--folder', join(place, 'bench'), ...args];
  return spawnSync(process.execPath, all, { encoding: 'utf8' });
};

describe('the inference benchmark at small size', () => {
  let first: ReturnType<typeof bench>;
  let rows: readonly InferenceRow[];
  beforeAll(() => {
    place = mkdtempSync(join(tmpdir(), 'regraft-bench-'));
    const json = join(place, 'rows.json');
    first = bench('--runs', '1', '--json', json);
    rows = existsSync(json) ? (JSON.parse(readFileSync(json, 'utf8')) as readonly InferenceRow[]) : [];
  }, LIMIT_MS);
  afterAll(() => rmSync(place, { recursive: true }));

  it('ends well, with a row for each case and tool', () => {
    expect(first.stderr).not.toContain('Error');
    expect(first.status).toBe(0);
    const cases = ['start', 'load', 'score', 'generate-1', 'generate-8'];
    expect(rows.map((row) => [row.case, row.tool])).toEqual(cases.flatMap((id) => TOOLS.map((tool) => [id, tool])));
  });

  it('gives each row its time and memory, and nothing else', () => {
    for (const row of rows) {
      const fields = ['case', 'tool', 'model', 'threads', 'seconds', 'memoryBytes', 'peakBytes'];
      expect(Object.keys(row)).toEqual(fields);
      expect(row).toMatchObject({ model: 'demo', threads: 1, seconds: [expect.any(Number)] });
      expect(Math.min(...row.seconds)).toBeGreaterThan(0);
      expect(row.peakBytes).toBeGreaterThan(row.memoryBytes);
    }
    expect(rows).toHaveLength(15);
  });

  it('prints the machine, the table, and what was reached', () => {
    expect(first.stdout).toContain(`Node ${process.version}`);
    expect(first.stdout).toMatch(/│ generate-8 +│ demo +│ 1 +│ regraft +│ 1 +│/);
    expect(first.stdout).toMatch(/│ score, demo, 1 thread: 1× as fast as transformers +│ not judged +│ [\d.]+× +│/);
  });

  it(
    'leaves nothing behind with --clean',
    () => {
      expect(bench('--clean').status).toBe(0);
      expect(existsSync(join(place, 'bench'))).toBe(false);
    },
    LIMIT_MS,
  );
});

describe('what the inference benchmark has to reach', () => {
  const row = (fields: Partial<InferenceRow>): InferenceRow => ({
    ...{ case: 'generate-8', tool: 'regraft-prepacked', model: '124M', threads: 2, seconds: [1], memoryBytes: 10 },
    ...{ peakBytes: 20, ...fields },
  });
  const theirs = (seconds: number): InferenceRow => row({ tool: 'transformers', seconds: [seconds] });
  const marks = (rows: readonly InferenceRow[], judgesTimes = true): readonly unknown[] =>
    judgeInference(rows, {
      ...{ judgesTimes, castModels: new Set(['124M-bf16']), weightBytes: new Map([['124M', 100]]) },
    }).map(({ mark, found }) => [mark, found]);

  it('is met at the ratio that is asked, and missed below it', () => {
    expect(marks([row({}), theirs(1.4)])).toEqual([['met', '1.40×']]);
    expect(marks([row({}), theirs(1.39)])).toEqual([['MISSED', '1.39×']]);
    expect(marks([row({}), theirs(1)], false)).toEqual([['not judged', '1.00×']]);
  });

  it('is shown and not judged where weights are cast when the model opens', () => {
    const cast = (fields: Partial<InferenceRow>): InferenceRow => row({ model: '124M-bf16', ...fields });
    const opened = [
      cast({ case: 'load', tool: 'regraft' }),
      cast({ case: 'load', tool: 'transformers', seconds: [2] }),
    ];
    expect(marks(opened)).toEqual([['not judged', '2.00×']]);
    expect(marks([cast({}), cast({ tool: 'transformers' })])).toEqual([['MISSED', '1.00×']]);
  });

  it('compares only what ran on the same model with the same threads', () => {
    expect(marks([row({ threads: 1 }), theirs(9)])).toEqual([]);
  });

  it('holds the memory of weights in place against their size', () => {
    const inPlace = (memoryBytes: number): InferenceRow => row({ tool: 'regraft', memoryBytes });
    expect(marks([inPlace(20)])).toEqual([['met', '0.20×']]);
    expect(marks([inPlace(21)])).toEqual([['MISSED', '0.21×']]);
  });
});

describe('the arguments of the inference benchmark', () => {
  it('has cases and a number of runs of its own', () => {
    const options = { size: 'full', runs: 3, json: null, clean: false, folder: null };
    expect(parseBenchOptions(['inference', '--only', 'score,load'])).toEqual({
      kind: 'run-inference',
      options: { ...options, only: ['load', 'score'] },
    });
    expect(parseBenchOptions(['inference', '--only', 'cp'])).toMatchObject({
      problems: ['--only names `cp`, expected some of start, load, score, generate-1, generate-8.'],
    });
  });
});
