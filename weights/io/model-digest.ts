import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { toWeightsError } from './fs-error.ts';
import { hashFile } from './hash-file.ts';

/**
 * Names a model, or an adapter, by what it computes: `sha256:` over the names and sha256s of its configuration and weight
 * files, sorted by name. Reads every byte. Errors: WEIGHTS_FILE_MISSING, WEIGHTS_IO_FAILED.
 */
export async function contentDigest(folder: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of await namesIn(folder)) hash.update(`${name} ${await hashFile(join(folder, name))}\n`);
  return `sha256:${hash.digest('hex')}`;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    const names = await readdir(folder);
    return names.filter((name) => /^(config|adapter_config)\.json$|\.safetensors$/.test(name)).sort();
  } catch (error) {
    throw toWeightsError(error, folder);
  }
}
