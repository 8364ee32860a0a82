import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ArtifactStore } from '../../activities/ports.ts';
import {
  artifactManifestSchema,
  type ArtifactFile,
  type ArtifactKind,
  type ArtifactManifest,
} from '../../contracts/artifact.schema.ts';
import { createFileAtomic, isErrno } from './atomic-file.ts';
import { canonicalJson } from './canonical-json.ts';
import { FsBlobs } from './fs-blobs.ts';
import { FsRefs } from './fs-refs.ts';
import { StoreCorrupt, StoreNotFound } from './store-errors.ts';

/**
 * The `file://` store: `blobs/` by sha256, `artifacts/<digest>.json`, `records/<digest>.json`, `refs/`, and `folders/`,
 * hard-linked views of artifacts that can be removed at any time. Several processes may share it.
 */
export function createFsArtifactStore(root: string): ArtifactStore {
  const blobs = new FsBlobs(path.join(root, 'blobs'));
  const refs = new FsRefs(path.join(root, 'refs'));

  async function readManifest(digest: string): Promise<ArtifactManifest> {
    const text = await readOr(
      path.join(root, 'artifacts', `${digest}.json`),
      () => new StoreNotFound('Artifact', digest, root),
    );
    const { success, data } = artifactManifestSchema.safeParse(jsonOr(text, null));
    if (success && artifactDigest(data.kind, data.files) === digest) return data;
    throw new StoreCorrupt('Artifact', digest, 'its manifest does not describe what its digest names');
  }

  const store: ArtifactStore = {
    async putFolder({ kind, folder, files, provenance, take, signal }) {
      const listed: ArtifactFile[] = [];
      for (const file of [...files].sort()) {
        listed.push({ path: file, ...(await blobs.put(path.join(folder, file), take, signal)) });
      }
      const digest = artifactDigest(kind, listed);
      const sizeBytes = listed.reduce((sum, file) => sum + file.sizeBytes, 0);
      const createdAt = new Date().toISOString();
      const manifest = { schema: 'regraft.artifact/1', kind, digest, files: listed, sizeBytes, provenance, createdAt };
      const text = JSON.stringify(artifactManifestSchema.parse(manifest), null, 2);
      await createFileAtomic(path.join(root, 'artifacts', `${digest}.json`), text);
      return readManifest(digest);
    },
    manifest: readManifest,
    async materialize(digest) {
      const manifest = await readManifest(digest);
      const folder = path.join(root, 'folders', digest);
      if (!(await isFolder(folder))) await linkFolder(folder, manifest, blobs);
      return folder;
    },
    async putRecord(value) {
      const { text, sha256 } = canonicalJson(value);
      await createFileAtomic(path.join(root, 'records', sha256.slice(0, 2), `${sha256}.json`), text);
      return sha256;
    },
    async getRecord(digest) {
      const file = path.join(root, 'records', digest.slice(0, 2), `${digest}.json`);
      const text = await readOr(file, () => new StoreNotFound('Record', digest, root));
      const value = jsonOr(text, undefined);
      if (value === undefined || canonicalJson(value).sha256 !== digest)
        throw new StoreCorrupt('Record', digest, 'its bytes have another digest');
      return value;
    },
    readRef: (name) => refs.read(name),
    swapRef: (name, from, to) => refs.swap(name, from, to),
  };
  return store;
}

/** What an artifact is named by: its kind and its files, sorted by path. */
function artifactDigest(kind: ArtifactKind, files: readonly ArtifactFile[]): string {
  return canonicalJson({ kind, files }).sha256;
}

/** The folder is there whole or not at all; of several that make it at once, one does. */
async function linkFolder(folder: string, manifest: ArtifactManifest, blobs: FsBlobs): Promise<void> {
  const partial = `${folder}.partial-${randomBytes(6).toString('hex')}`;
  try {
    await linkFiles(partial, manifest, blobs);
    await rename(partial, folder);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (!(await isFolder(folder))) throw error;
  }
}

async function linkFiles(folder: string, manifest: ArtifactManifest, blobs: FsBlobs): Promise<void> {
  for (const file of manifest.files) {
    const size = await blobs.sizeBytes(file.sha256);
    if (size !== file.sizeBytes) {
      const found = size === null ? 'it is missing' : `it has ${String(size)} bytes, not ${String(file.sizeBytes)}`;
      throw new StoreCorrupt(`File ${file.path} of artifact ${manifest.digest}, blob`, file.sha256, found);
    }
    const target = path.join(folder, file.path);
    await mkdir(path.dirname(target), { recursive: true });
    await link(blobs.pathOf(file.sha256), target);
  }
}

/** What a text says as JSON; `fallback` when it is none. */
function jsonOr(text: string, fallback: null | undefined): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return fallback;
  }
}

async function isFolder(folder: string): Promise<boolean> {
  try {
    return (await stat(folder)).isDirectory();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

async function readOr(file: string, missing: () => Error): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) throw missing();
    throw error;
  }
}
