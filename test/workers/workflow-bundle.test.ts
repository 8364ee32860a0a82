import { appendFile, cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../../workers/settings.ts';
import { workflowBundle } from '../../workers/workflow-bundle.ts';
import { temporaryFolder } from '../support/safetensors.ts';

/** A copy of what workflows are made of, to be changed at will. */
async function copyOfSources(): Promise<string> {
  const root = path.join(await temporaryFolder(), 'copy');
  await mkdir(root);
  for (const name of ['contracts', 'policy', 'workflows', 'package.json', 'tsconfig.json']) {
    await cp(path.join(PROJECT_ROOT, name), path.join(root, name), { recursive: true });
  }
  await symlink(path.join(PROJECT_ROOT, 'node_modules'), path.join(root, 'node_modules'));
  return root;
}

describe('the workflow bundle', () => {
  it('holds every workflow, and is all that is left in the cache', async () => {
    const cache = path.join(await temporaryFolder(), 'cache');
    const { codePath } = await workflowBundle(cache);
    expect(await readdir(cache)).toEqual([path.basename(codePath)]);
    const code = await readFile(codePath, 'utf8');
    for (const workflow of ['lineage', 'recycleRun', 'watchFamily']) expect(code).toContain(`function ${workflow}(`);
  }, 120_000);

  it('is another one for versioned workers, whose workflows say what they do at an upgrade', async () => {
    const cache = path.join(await temporaryFolder(), 'cache');
    const plain = await workflowBundle(cache);
    const { codePath } = await workflowBundle(cache, { versioned: true });
    expect(codePath).not.toBe(plain.codePath);
    const says = async (file: string): Promise<boolean> =>
      /versioningBehavior: 'PINNED'\s*\}, \S*recycleRun\)/.test(await readFile(file, 'utf8'));
    expect([await says(codePath), await says(plain.codePath)]).toEqual([true, false]);
  }, 120_000);

  it('says of every workflow what it does at an upgrade: runs stay, lineages move', async () => {
    const read = (name: string): Promise<string> => readFile(path.join(PROJECT_ROOT, 'workflows', name), 'utf8');
    const said = (await read('versioned.ts')).matchAll(
      /^setWorkflowOptions\(\{ versioningBehavior: '(\w+)' \}, (\w+)\);$/gm,
    );
    const behaviours: Readonly<Record<string, string>> = Object.fromEntries(
      [...said].map(([, behaviour = '', workflow = '']) => [workflow, behaviour]),
    );
    expect(behaviours).toMatchObject({ recycleRun: 'PINNED', watchFamily: 'PINNED', lineage: 'AUTO_UPGRADE' });
    const exported = [...(await read('index.ts')).matchAll(/^export \{ (\w+) \}/gm)].map(([, workflow]) => workflow);
    expect(Object.keys(behaviours).sort()).toEqual(exported.sort());
  });

  it('is taken from the cache, untouched, while the sources stay the same', async () => {
    const [cache, root] = [await temporaryFolder(), await copyOfSources()];
    const { codePath } = await workflowBundle(cache, { root });
    await writeFile(codePath, '// from the cache');
    expect(await workflowBundle(cache, { root })).toEqual({ codePath });
    expect(await readFile(codePath, 'utf8')).toBe('// from the cache');
  }, 120_000);

  it.each(['contracts/task-queues.ts', 'policy/lineage/life.ts', 'workflows/lineage.ts'])(
    'is made anew, beside the old one, when %s changes',
    async (changed) => {
      const [cache, root] = [await temporaryFolder(), await copyOfSources()];
      const before = await workflowBundle(cache, { root });
      await appendFile(path.join(root, changed), '\nexport const addedByTheTest = 1;\n');
      const after = await workflowBundle(cache, { root });
      expect(after.codePath).not.toBe(before.codePath);
      expect((await readdir(cache)).sort()).toEqual(
        [before, after].map(({ codePath }) => path.basename(codePath)).sort(),
      );
      const hasIt = async ({ codePath }: typeof after) => (await readFile(codePath, 'utf8')).includes('addedByTheTest');
      expect([await hasIt(after), await hasIt(before)]).toEqual([true, false]);
    },
    120_000,
  );
});
