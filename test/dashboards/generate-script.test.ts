import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = ['configs', 'contracts', 'dashboards', 'metrics'];
let copy: string;

beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'regraft-dashboards-'));
  for (const path of [...SOURCES, 'package.json', 'tsconfig.json', 'scripts/generate.ts']) {
    cpSync(join(ROOT, path), join(copy, path), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
});

afterEach(() => {
  rmSync(copy, { recursive: true });
});

function generate(...args: readonly string[]) {
  const script = ['--import', 'tsx', 'scripts/generate.ts', ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, script, { cwd: copy, encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('generate', () => {
  it('finds nothing to say about files that are as rendered', () => {
    expect(generate('--check')).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('names files that differ or are left over, then sets them right', () => {
    writeFileSync(join(copy, 'dashboards/generated/convergence.json'), '{}\n');
    writeFileSync(join(copy, 'dashboards/generated/gone.json'), '{}\n');
    writeFileSync(join(copy, 'configs/lineage.schema.json'), '{}\n');
    const checked = generate('--check');
    expect(checked.status).toBe(1);
    expect(checked.stderr).toContain('dashboards/generated/convergence.json: differs');
    expect(checked.stderr).toContain('dashboards/generated/gone.json: differs');
    expect(checked.stderr).toContain('configs/lineage.schema.json: differs');
    expect(generate()).toMatchObject({ status: 0, stderr: '' });
    expect(generate('--check').status).toBe(0);
  });

  it('refuses an argument that it does not know', () => {
    expect(generate('--chekc')).toMatchObject({ status: 2, stderr: expect.stringContaining('--chekc') });
  });
});
