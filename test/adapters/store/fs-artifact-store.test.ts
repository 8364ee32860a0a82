import { appendFile, chmod, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ArtifactStore } from '../../../activities/ports.ts';
import { createFsArtifactStore } from '../../../adapters/store/fs-artifact-store.ts';
import { digestOf } from '../../support/lineage-values.ts';
import { temporaryFolder } from '../../support/safetensors.ts';

const FILES = { 'config.json': '{}', 'model.safetensors': 'weights', 'fine-tune/chat.jinja': 'chat' };

async function writeFiles(folder: string, files: Readonly<Record<string, string>> = FILES): Promise<string> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
  return folder;
}

type PutInput = Parameters<ArtifactStore['putFolder']>[0];

function put(store: ArtifactStore, folder: string, fields: Partial<PutInput> = {}): ReturnType<typeof store.putFolder> {
  return store.putFolder({
    kind: 'model',
    folder,
    files: Object.keys(FILES),
    provenance: { kind: 'release', name: 'M1', uri: 'file:///M1' },
    take: 'copy',
    signal: new AbortController().signal,
    ...fields,
  });
}

/** A store, its root, and a folder of files outside it. */
async function setUp(): Promise<{ readonly root: string; readonly store: ArtifactStore; readonly source: string }> {
  const top = await temporaryFolder();
  const root = path.join(top, 'store');
  return { root, store: createFsArtifactStore(root), source: await writeFiles(path.join(top, 'source')) };
}

/** Every file of a folder: relative path to text. */
async function readAll(folder: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const texts = files.map(async (file) => [path.relative(folder, file), await readFile(file, 'utf8')] as const);
  return Object.fromEntries(await Promise.all(texts));
}

const blobPath = (root: string, sha256: string): string => path.join(root, 'blobs', sha256.slice(0, 2), sha256);
const coded = (code: string): Error => expect.objectContaining({ code, retryable: false }) as Error;

describe('putFolder', () => {
  it('names files by their bytes, sorted, and sums their sizes', async () => {
    const { store, source } = await setUp();
    const manifest = await put(store, source);
    expect(manifest.files).toEqual([
      { path: 'config.json', sha256: digestOf('{}'), sizeBytes: 2 },
      { path: 'fine-tune/chat.jinja', sha256: digestOf('chat'), sizeBytes: 4 },
      { path: 'model.safetensors', sha256: digestOf('weights'), sizeBytes: 7 },
    ]);
    expect(manifest.sizeBytes).toBe(13);
    expect(await store.manifest(manifest.digest)).toEqual(manifest);
  });

  it('gives equal content one digest and the first manifest, wherever it lies and however it is listed', async () => {
    const { root, store, source } = await setUp();
    const first = await put(store, source);
    const elsewhere = await writeFiles(path.join(root, '..', 'elsewhere'));
    const second = await put(createFsArtifactStore(root), elsewhere, {
      files: Object.keys(FILES).reverse(),
      provenance: { kind: 'release', name: 'another name', uri: 'file:///elsewhere' },
      take: 'link',
    });
    expect(second).toEqual(first);
    expect(Object.keys(await readAll(path.join(root, 'blobs')))).toHaveLength(3);
  });

  it('gives another digest to another byte, another file name and another kind', async () => {
    const { root, store, source } = await setUp();
    const other = await writeFiles(path.join(root, '..', 'other'), { ...FILES, 'config.json': '[]' });
    const renamed = await writeFiles(path.join(root, '..', 'renamed'), { 'a.json': '{}' });
    const digests = await Promise.all([
      put(store, source),
      put(store, source, { kind: 'delta' }),
      put(store, other),
      put(store, renamed, { files: ['a.json'] }),
      put(store, source, { files: ['config.json'] }),
    ]);
    expect(new Set(digests.map(({ digest }) => digest)).size).toBe(5);
  });

  it('takes the same folder from twenty at once as one artifact', async () => {
    const { root, store, source } = await setUp();
    const manifests = await Promise.all(Array.from({ length: 20 }, () => put(store, source)));
    expect(manifests).toEqual(manifests.map(() => manifests[0]));
    expect(Object.keys(await readAll(path.join(root, 'blobs')))).toHaveLength(3);
  });

  it('keeps what it copied when the source changes afterwards', async () => {
    const { store, source } = await setUp();
    const { digest } = await put(store, source, { take: 'copy' });
    await appendFile(path.join(source, 'model.safetensors'), ' changed');
    expect(await readAll(await store.materialize(digest))).toEqual(FILES);
  });

  it('shares the bytes of what it links, which a removed source does not take along', async () => {
    const { root, store, source } = await setUp();
    const { digest } = await put(store, source, { take: 'link' });
    const [blob, original] = await Promise.all(
      [blobPath(root, digestOf('weights')), path.join(source, 'model.safetensors')].map((file) => stat(file)),
    );
    expect(blob?.ino).toBe(original?.ino);
    await rm(source, { recursive: true });
    expect(await readAll(await store.materialize(digest))).toEqual(FILES);
  });

  it('leaves nothing behind when it is cancelled or a file is missing', async () => {
    const { root, store, source } = await setUp();
    await expect(put(store, source, { signal: AbortSignal.abort() })).rejects.toThrow();
    await expect(put(store, source, { files: ['missing'] })).rejects.toThrow('ENOENT');
    expect(await readAll(path.join(root, 'blobs'))).toEqual({});
    await expect(readdir(path.join(root, 'artifacts'))).rejects.toThrow('ENOENT');
  });
});

describe('materialize', () => {
  it('shows the artifact as a folder, the same one every time and to everybody', async () => {
    const { root, store, source } = await setUp();
    const { digest } = await put(store, source);
    const others = Array.from({ length: 20 }, () => createFsArtifactStore(root));
    const folders = await Promise.all(others.map((other) => other.materialize(digest)));
    expect(new Set([...folders, await store.materialize(digest)]).size).toBe(1);
    expect(await readAll(folders[0] ?? '')).toEqual(FILES);
    expect(await readdir(path.join(root, 'folders'))).toEqual([digest]);
  });

  it('gives files that nobody can write to by accident', async () => {
    const { store, source } = await setUp();
    const folder = await store.materialize((await put(store, source)).digest);
    expect((await stat(path.join(folder, 'config.json'))).mode & 0o777).toBe(0o444);
  });

  it('makes the folder again when it was removed', async () => {
    const { store, source } = await setUp();
    const { digest } = await put(store, source);
    await rm(await store.materialize(digest), { recursive: true });
    expect(await readAll(await store.materialize(digest))).toEqual(FILES);
  });

  it('does not mistake the half of one that was killed for the folder', async () => {
    const { root, store, source } = await setUp();
    const { digest } = await put(store, source);
    await writeFiles(path.join(root, 'folders', `${digest}.partial-0123`), { 'config.json': '{}' });
    expect(await readAll(await store.materialize(digest))).toEqual(FILES);
  });

  it.each([
    ['is missing', (blob: string) => rm(blob), /it is missing/],
    [
      'was cut short',
      async (blob: string) => {
        await chmod(blob, 0o644);
        await truncate(blob, 3);
      },
      /it has 3 bytes, not 7/,
    ],
  ])('refuses an artifact one of whose blobs %s, and leaves no half folder', async (_claim, damage, message) => {
    const { root, store, source } = await setUp();
    const { digest } = await put(store, source);
    await damage(blobPath(root, digestOf('weights')));
    await expect(store.materialize(digest)).rejects.toThrow(coded('STORE_CORRUPT'));
    await expect(store.materialize(digest)).rejects.toThrow(message);
    expect(await readdir(path.join(root, 'folders'))).toEqual([]);
  });

  it('refuses an artifact that is not there, by name', async () => {
    const { root, store } = await setUp();
    await expect(store.materialize(digestOf('x'))).rejects.toThrow(coded('STORE_NOT_FOUND'));
    await expect(store.manifest(digestOf('x'))).rejects.toThrow(
      `Artifact ${digestOf('x')} is not in the store at ${root}`,
    );
  });

  it.each([
    ['was cut short', (text: string) => text.slice(0, 40)],
    ['has another shape', () => '{}'],
    ['names another file', (text: string) => text.replace('config.json', 'konfig.json')],
  ])('refuses a manifest that %s', async (_claim, damage) => {
    const { root, store, source } = await setUp();
    const { digest } = await put(store, source);
    const file = path.join(root, 'artifacts', `${digest}.json`);
    await writeFile(file, damage(await readFile(file, 'utf8')));
    await expect(store.manifest(digest)).rejects.toThrow(coded('STORE_CORRUPT'));
    await expect(store.materialize(digest)).rejects.toThrow(coded('STORE_CORRUPT'));
  });
});

describe('records', () => {
  it('keep a JSON value under the digest of its canonical form, whatever the order of its keys', async () => {
    const { store } = await setUp();
    const value = { b: [1, 2.5, null], a: { text: 'Δ' } };
    const digest = await store.putRecord(value);
    expect(await store.putRecord({ a: { text: 'Δ' }, b: [1, 2.5, null] })).toBe(digest);
    expect(await store.getRecord(digest)).toEqual(value);
    expect(digest).toBe(digestOf('{"a":{"text":"Δ"},"b":[1,2.5,null]}'));
  });

  it('refuse one that is not there', async () => {
    const { store } = await setUp();
    await expect(store.getRecord(digestOf('x'))).rejects.toThrow(coded('STORE_NOT_FOUND'));
  });

  it.each([
    ['was changed', '{"score":0.9}'],
    ['was cut short', '{"score":0.'],
    ['is empty', ''],
  ])('refuse one that %s', async (_claim, damaged) => {
    const { root, store } = await setUp();
    const digest = await store.putRecord({ score: 0.1 });
    await writeFile(path.join(root, 'records', digest.slice(0, 2), `${digest}.json`), damaged);
    await expect(store.getRecord(digest)).rejects.toThrow(coded('STORE_CORRUPT'));
  });

  it('refuse what is no JSON value', async () => {
    const { store } = await setUp();
    await expect(store.putRecord(undefined)).rejects.toThrow(TypeError);
  });
});
