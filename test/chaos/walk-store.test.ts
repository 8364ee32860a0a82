import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ArtifactStore } from '../../activities/ports.ts';
import { createFsArtifactStore } from '../../adapters/store/fs-artifact-store.ts';
import type { ArtifactManifest } from '../../contracts/artifact.schema.ts';
import { temporaryFolder } from '../support/safetensors.ts';
import { walkStore } from './walk-store.ts';

async function putModel(store: ArtifactStore, text: string): Promise<ArtifactManifest> {
  const folder = await temporaryFolder();
  await writeFile(path.join(folder, 'model.txt'), text);
  const provenance = { kind: 'release', name: 'M1', uri: 'file:///M1' } as const;
  const { signal } = new AbortController();
  return store.putFolder({ kind: 'model', folder, files: ['model.txt'], provenance, take: 'copy', signal });
}

describe('a walk over a store', () => {
  it('reaches over refs, records and what the caller knows; what nothing leads to is named', async () => {
    const root = await temporaryFolder();
    const store = createFsArtifactStore(root);
    const [byRef, byRecord, known, lost] = await Promise.all(
      ['ref', 'record', 'known', 'lost'].map((text) => putModel(store, text)),
    );
    await store.swapRef('published/a', null, byRef?.digest ?? '');
    const record = await store.putRecord({ deep: [{ candidateDigest: byRecord?.digest }] });
    await store.swapRef('work/a', null, record);
    expect(await walkStore(root, [known?.digest ?? ''])).toEqual({
      unreferenced: [`artifact ${lost?.digest ?? ''}`, `blob ${lost?.files[0]?.sha256 ?? ''}`],
      missing: [],
    });
  });

  it('does not count what a ref had before', async () => {
    const root = await temporaryFolder();
    const store = createFsArtifactStore(root);
    const [before, now] = await Promise.all(['before', 'now'].map((text) => putModel(store, text)));
    await store.swapRef('published/a', null, before?.digest ?? '');
    await store.swapRef('published/a', before?.digest ?? '', now?.digest ?? '');
    await store.putRecord({});
    expect((await walkStore(root, [])).unreferenced).toEqual([
      `artifact ${before?.digest ?? ''}`,
      `blob ${before?.files[0]?.sha256 ?? ''}`,
    ]);
  });

  it('names a blob that is gone', async () => {
    const root = await temporaryFolder();
    const store = createFsArtifactStore(root);
    const { digest, files } = await putModel(store, 'text');
    const blob = files[0]?.sha256 ?? '';
    await store.swapRef('published/a', null, digest);
    await rm(path.join(root, 'blobs', blob.slice(0, 2), blob), { force: true });
    await store.putRecord({});
    expect(await walkStore(root, [])).toEqual({ unreferenced: [], missing: [`blob ${blob}`] });
  });
});
