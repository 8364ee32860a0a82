import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../../workers/settings.ts';

const ROOMS = ['policy', 'weights', 'inference', 'workflows', 'activities', 'adapters', 'client'] as const;
const FACES = ['workers', 'configs', 'cli', 'web', 'drills', 'dashboards', 'metrics'] as const;
/** How an error with a code is made: by a class of ours, or refused by a workflow. */
const MADE = /(?:(?:Error|refusal|nonRetryable)\(\s*(?:message,\s*)?|\bcode: )'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'/g;

async function filesUnder(folder: string, extension: string): Promise<readonly string[]> {
  const entries = await readdir(path.join(PROJECT_ROOT, folder), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith(extension));
  return Promise.all(files.map((entry) => readFile(path.join(entry.parentPath, entry.name), 'utf8')));
}

describe('the pages in docs/', () => {
  it('explain every code that an error of ours can have', async () => {
    const sources = (await Promise.all([...ROOMS, ...FACES].map((room) => filesUnder(room, '.ts')))).flat();
    const codes = new Set(sources.flatMap((source) => [...source.matchAll(MADE)].map((match) => match[1] ?? '')));
    expect(codes.size).toBeGreaterThan(80);
    const pages = (await filesUnder('docs', '.md')).join('\n');
    // Some are the beginning of several.
    const isExplained = (code: string): boolean => pages.includes(`\`${code}\``) || pages.includes(`\`${code}_`);
    expect([...codes].filter((code) => !isExplained(code)).sort()).toEqual([]);
  });
});
