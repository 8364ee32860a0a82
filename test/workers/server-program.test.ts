import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findServerProgram } from '../../workers/server-program.ts';
import { PROJECT_ROOT } from '../../workers/settings.ts';
import { temporaryFolder } from '../support/safetensors.ts';

/** A folder with a program called `temporal`. */
async function folderWithProgram(mode = 0o755): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(path.join(folder, 'temporal'), '#!/bin/sh\n');
  await chmod(path.join(folder, 'temporal'), mode);
  return folder;
}

describe('the `temporal` program', () => {
  it('is the first on PATH', async () => {
    const [empty, first, second] = [await temporaryFolder(), await folderWithProgram(), await folderWithProgram()];
    const PATH = [empty, first, second].join(path.delimiter);
    expect(await findServerProgram({ PATH })).toBe(path.join(first, 'temporal'));
  });

  it('is the venv’s when PATH has none', async () => {
    expect(await findServerProgram({ PATH: '/nowhere' })).toBe(path.join(PROJECT_ROOT, '.venv', 'bin', 'temporal'));
    expect(await findServerProgram({})).toBe(path.join(PROJECT_ROOT, '.venv', 'bin', 'temporal'));
  });

  it('is neither a folder nor a file that cannot be run', async () => {
    const withFolder = await temporaryFolder();
    await mkdir(path.join(withFolder, 'temporal'));
    const [plainFile, real] = [await folderWithProgram(0o644), await folderWithProgram()];
    const PATH = [withFolder, plainFile, real].join(path.delimiter);
    expect(await findServerProgram({ PATH })).toBe(path.join(real, 'temporal'));
  });

  it('is missed with what to do about it', async () => {
    await expect(findServerProgram({ PATH: '/nowhere' }, await temporaryFolder())).rejects.toMatchObject({
      code: 'TEMPORAL_MISSING',
      message:
        'No `temporal` program was found on PATH or in .venv/bin; run `npm run setup`, or set TEMPORAL_ADDRESS to a server of your own.',
    });
  });
});
