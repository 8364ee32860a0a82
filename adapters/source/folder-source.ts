import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ReleaseLook, ReleaseSource } from '../../activities/ports.ts';
import { placeOf } from '../../contracts/family.ts';
import type { FamilySpec } from '../../contracts/family.schema.ts';
import { RegraftError } from '../../contracts/error.ts';
import { inspect, MODEL_FILE, WeightsError } from '../../weights/index.ts';
import { isErrno } from '../store/atomic-file.ts';
import { fingerprintOf } from './model-files.ts';

/**
 * A family that is a folder: every sub-folder is one release. Hidden folders are ignored. One that is still being written is
 * not yet a release: without config.json, without a shard that its index names, or with a file shorter than its header
 * says. A version is a fingerprint of the release's name and of its model files' names, sizes and times: two releases of one
 * shape may well be written in the same moment, so only digests tell that one is the other under a new name.
 */
export function createFolderSource(): ReleaseSource {
  return {
    async list(family) {
      const folder = folderOf(family);
      const names = (await entriesOf(folder)).filter((name) => !name.startsWith('.'));
      const versions = await Promise.all(names.map((name) => versionOf(path.join(folder, name))));
      return {
        releases: names.flatMap((name, index) => {
          const version = versions[index] ?? null;
          return version === null ? [] : [{ name, version }];
        }),
        ignored: [],
      };
    },
    look: (family, { name }) => look(path.join(folderOf(family), name)),
    async open({ family, release: { name } }) {
      const folder = path.join(folderOf(family), name);
      const found = await look(folder);
      if (found.kind === 'incomplete') throw gone(name, folder);
      return { folder, uri: pathToFileURL(folder).href, version: found.content, content: found.content, take: 'copy' };
    },
  };
}

function folderOf(family: FamilySpec): string {
  const place = placeOf(family);
  return place.kind === 'folder' ? place.folder : '';
}

/** A family folder that does not exist yet has no releases yet. */
async function entriesOf(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Null for what is no folder with a file of a model in it. */
async function versionOf(folder: string): Promise<string | null> {
  try {
    const names = (await readdir(folder)).filter((name) => MODEL_FILE.test(name));
    const files = await Promise.all(
      names.map(async (name) => {
        const { size, mtimeMs } = await stat(path.join(folder, name));
        return { name, sizeBytes: size, tag: String(mtimeMs) };
      }),
    );
    const self = { name: path.basename(folder), sizeBytes: 0, tag: 'release' };
    return files.length === 0 ? null : fingerprintOf([self, ...files]);
  } catch (error) {
    // Being renamed, removed or written right now, or a file.
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return null;
    throw error;
  }
}

async function look(folder: string): Promise<ReleaseLook> {
  try {
    const { parameterCount, sizeBytes, problems } = await inspect(folder);
    const content = await versionOf(folder);
    if (content === null) return { kind: 'incomplete', why: 'it has gone' };
    return { kind: 'complete', content, sizeBytes, parameterCount, problems: problems.map(({ sentence }) => sentence) };
  } catch (error) {
    if (error instanceof WeightsError) return { kind: 'incomplete', why: error.message };
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return { kind: 'incomplete', why: 'it has gone' };
    throw error;
  }
}

function gone(name: string, folder: string): RegraftError {
  return new RegraftError(
    'SOURCE_RELEASE_GONE',
    `Release ${name}: ${folder} is no complete model folder any more; put it back, or leave it out for good.`,
    { retryable: true },
  );
}
