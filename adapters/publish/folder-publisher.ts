import { randomBytes } from 'node:crypto';
import { copyFile, constants, mkdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import type { Publisher } from '../../activities/ports.ts';
import type { ArtifactManifest } from '../../contracts/artifact.schema.ts';
import { RegraftError } from '../../contracts/error.ts';
import { isErrno, writeFileAtomic } from '../store/atomic-file.ts';
import { sha256OfFile } from '../store/fs-blobs.ts';
import { ABANDONED_AFTER_MS, sweepUnfinished } from '../store/sweep-unfinished.ts';

const DIGEST_LENGTH = 64;

/**
 * A target folder with `versions/<digest>/` and the aliases `current` and `previous`, symbolic links. A version is copied
 * beside, verified file by file, renamed into place; only then does the alias flip, in one rename. `previous` names what
 * `current` replaced, so that a publication whose process died after the flip can still tell when it runs again. What a
 * killed process left half-copied is removed by a publication a day later.
 */
export function createFolderPublisher(nowMs: () => number = () => Date.now()): Publisher {
  return {
    async publish({ target, modelFolder, manifest, card, provenance }) {
      await sweepUnfinished(target, ABANDONED_AFTER_MS, nowMs());
      const liveDigest = await digestAt(target, 'current');
      const version = path.join(target, 'versions', manifest.digest);
      await stageVersion(version, modelFolder, manifest);
      await writeFileAtomic(path.join(version, 'README.md'), card);
      await writeFileAtomic(path.join(version, 'regraft.json'), `${JSON.stringify(provenance, null, 2)}\n`);
      return goLive(target, liveDigest, manifest.digest);
    },
    async restore({ target, modelFolder, manifest }) {
      const liveDigest = await digestAt(target, 'current');
      await stageVersion(path.join(target, 'versions', manifest.digest), modelFolder, manifest);
      return goLive(target, liveDigest, manifest.digest);
    },
  };
}

async function goLive(
  target: string,
  liveDigest: string | null,
  digest: string,
): Promise<{ readonly previousDigest: string | null }> {
  if (liveDigest === digest) return { previousDigest: await digestAt(target, 'previous') };
  if (liveDigest !== null) await point(target, 'previous', liveDigest);
  await point(target, 'current', digest);
  return { previousDigest: liveDigest };
}

async function stageVersion(version: string, modelFolder: string, manifest: ArtifactManifest): Promise<void> {
  if (await isWhole(version, manifest)) return;
  const partial = `${version}.partial-${randomBytes(6).toString('hex')}`;
  try {
    await copyVerified(partial, modelFolder, manifest);
    await putInPlace(partial, version, manifest);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function copyVerified(partial: string, modelFolder: string, manifest: ArtifactManifest): Promise<void> {
  for (const file of manifest.files) {
    const copy = path.join(partial, file.path);
    await mkdir(path.dirname(copy), { recursive: true });
    await copyFile(path.join(modelFolder, file.path), copy, constants.COPYFILE_FICLONE);
    const found = await sha256OfFile(copy);
    if (found === file.sha256) continue;
    throw new RegraftError(
      'PUBLISH_VERIFY_FAILED',
      `${copy}: the copy has digest ${found}, expected ${file.sha256}; nothing went live, check the disk and publish again.`,
      { retryable: true, details: { file: file.path } },
    );
  }
}

/** Another publisher's whole version stays; one that was damaged since it was put there makes room. */
async function putInPlace(partial: string, version: string, manifest: ArtifactManifest): Promise<void> {
  try {
    await rename(partial, version);
  } catch (error) {
    if (!isErrno(error, 'ENOTEMPTY') && !isErrno(error, 'EEXIST')) throw error;
    if (await isWhole(version, manifest)) return;
    const damaged = `${partial}-damaged`;
    await rename(version, damaged);
    await rename(partial, version);
    await rm(damaged, { recursive: true, force: true });
  }
}

async function isWhole(version: string, manifest: ArtifactManifest): Promise<boolean> {
  try {
    for (const file of manifest.files) {
      if ((await sha256OfFile(path.join(version, file.path))) !== file.sha256) return false;
    }
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

type Alias = 'current' | 'previous';

async function point(target: string, alias: Alias, digest: string): Promise<void> {
  const next = path.join(target, `.${alias}-${randomBytes(6).toString('hex')}`);
  await symlink(path.join('versions', digest), next);
  await rename(next, path.join(target, alias));
}

async function digestAt(target: string, alias: Alias): Promise<string | null> {
  try {
    const digest = path.basename(await readlink(path.join(target, alias)));
    return digest.length === DIGEST_LENGTH ? digest : null;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
}
