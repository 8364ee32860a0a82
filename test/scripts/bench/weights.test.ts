import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelBytes, modelSets } from '../../../scripts/bench/weights/model-sets.ts';
import type { BenchRow } from '../../../scripts/bench/weights/row.ts';

const LIMIT_MS = 240_000;
const SHARDS = [1, 2, 3].map((shard) => `model-0000${shard}-of-00003.safetensors`);

let place: string;
let folder: string;
const bench = (...args: readonly string[]) => {
  const json = join(place, 'rows.json');
  rmSync(json, { force: true });
  const all = ['scripts/bench.mjs', 'weights', '--size', 'small', '--folder', folder, '--json', json, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, all, { encoding: 'utf8' });
  const rows = existsSync(json) ? (JSON.parse(readFileSync(json, 'utf8')) as readonly BenchRow[]) : null;
  return { status, stdout, stderr, rows };
};

describe('the weights benchmark at small size', () => {
  let first: ReturnType<typeof bench>;
  beforeAll(() => {
    place = mkdtempSync(join(tmpdir(), 'regraft-bench-'));
    folder = join(place, 'bench');
    first = bench();
  }, LIMIT_MS);
  afterAll(() => rmSync(place, { recursive: true }));

  it('ends well, with a row for each case in order', () => {
    expect(first.stderr).not.toContain('Error');
    expect(first.status).toBe(0);
    const ours = { tool: 'regraft', valuesOff: 0 };
    expect(first.rows).toMatchObject([
      { case: 'cat', tool: 'cat', valuesOff: null },
      { case: 'cp', tool: 'cp', valuesOff: null },
      { case: 'sha256sum', tool: 'sha256sum', valuesOff: null },
      { case: 'sha256-openssl', tool: 'OpenSSL', valuesOff: null },
      { case: 'recycle', ...ours },
      { case: 'recycle-default', ...ours },
      { case: 'cp-durable', tool: 'cp', valuesOff: null },
      { case: 'regraft-recycle', ...ours },
      { case: 'recycle-4x', ...ours },
      { case: 'plan-70b', tool: 'regraft', valuesOff: null },
      { case: 'plan-70b-tokenizers', tool: 'regraft', valuesOff: null },
    ]);
  });

  it('gives each row two times and a peak, and nothing else', () => {
    for (const row of first.rows ?? []) {
      expect(Object.keys(row)).toEqual(['case', 'tool', 'wallSeconds', 'peakBytes', 'valuesOff']);
      expect(row.wallSeconds).toHaveLength(2);
      expect(Math.min(...row.wallSeconds)).toBeGreaterThan(0);
      expect(row.peakBytes).toBeGreaterThan(1e6);
    }
    expect(first.rows).toHaveLength(11);
  });

  it('prints the machine, the table, and what was reached', () => {
    expect(first.stdout).toContain(`Node ${process.version}`);
    expect(first.stdout).toMatch(/│ recycle +│ regraft +│ 2 +│/);
    expect(first.stdout).toMatch(/│ recycle: no value off +│ met +│ 0 off/);
    expect(first.stdout).toMatch(/│ recycle: no slower than cat \+ cp +│ not judged +│/);
    expect(first.stdout).toMatch(/│ recycle: 10× as fast as mergekit +│ not measured +│/);
  });

  it('measures on three models that differ, whole and of the size that it says', () => {
    const { measured } = modelSets('small');
    const bytesOf = (role: string): readonly Buffer[] =>
      SHARDS.map((shard) => readFileSync(join(folder, measured.name, role, shard)));
    const roles = ['base', 'tuned', 'target', 'expected'].map(bytesOf);
    const index = readFileSync(join(folder, measured.name, 'target/model.safetensors.index.json'), 'utf8');
    expect(JSON.parse(index)).toMatchObject({ metadata: { total_size: modelBytes(measured) } });
    expect(new Set(roles.map((shards) => Buffer.concat(shards).toString('latin1'))).size).toBe(4);
  });

  it(
    'uses the models again, and ends with 1 when one value of one run is off',
    () => {
      const shard = join(folder, modelSets('small').measured.name, 'expected', SHARDS[1] ?? '');
      flipLastBit(shard);
      const { status, stdout, stderr, rows } = bench('--only', 'recycle', '--runs', '1');
      expect(stderr).not.toContain('making');
      expect(rows).toMatchObject([{ case: 'recycle', valuesOff: 1 }]);
      expect(stdout).toMatch(/│ recycle: no value off +│ MISSED +│ 1 off/);
      expect(status).toBe(1);
    },
    LIMIT_MS,
  );

  it(
    'leaves no output behind, and nothing at all with --clean',
    () => {
      expect(existsSync(join(folder, 'out'))).toBe(false);
      expect(bench('--clean')).toMatchObject({ status: 0, rows: null });
      expect(existsSync(folder)).toBe(false);
    },
    LIMIT_MS,
  );
});

it('ends with 2 and says how it is called when the arguments are wrong', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/bench.mjs', 'wheat'], { encoding: 'utf8' });
  expect(stderr).toContain('bench: found `wheat`, expected one: weights, inference, orchestration.');
  expect(stderr).toContain('npm run bench -- weights [options]');
  expect(status).toBe(2);
});

function flipLastBit(path: string): void {
  const file = openSync(path, 'r+');
  const at = statSync(path).size - 2; // the lower byte of the last value
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  writeSync(file, Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, at);
  closeSync(file);
}
