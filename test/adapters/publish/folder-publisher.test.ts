import { chmod, lstat, mkdir, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createFolderPublisher } from '../../../adapters/publish/folder-publisher.ts';
import type { ArtifactManifest } from '../../../contracts/artifact.schema.ts';
import { AT, digestOf } from '../../support/lineage-values.ts';
import { temporaryFolder } from '../../support/safetensors.ts';

const publisher = createFolderPublisher();

interface Model {
  readonly folder: string;
  readonly manifest: ArtifactManifest;
}

/** A model of two files, one of them in a folder of its own, as the store would describe it. */
async function writeModel(root: string, name: string): Promise<Model> {
  const texts = { 'model.safetensors': `weights of ${name}`, 'sub/chat.jinja': 'chat' };
  const folder = path.join(root, name);
  await mkdir(path.join(folder, 'sub'), { recursive: true });
  for (const [file, text] of Object.entries(texts)) {
    await writeFile(path.join(folder, file), text);
    await chmod(path.join(folder, file), 0o444);
  }
  const files = Object.entries(texts).map(([file, text]) => ({
    path: file,
    sha256: digestOf(text),
    sizeBytes: text.length,
  }));
  const provenance = { kind: 'release', name, uri: `file://${folder}` } as const;
  const manifest = {
    schema: 'regraft.artifact/1',
    kind: 'model',
    digest: digestOf(name),
    files,
    sizeBytes: 1,
    provenance,
  } as const;
  return { folder, manifest: { ...manifest, files, createdAt: AT } };
}

function publish(target: string, { folder, manifest }: Model, card = 'the card'): ReturnType<typeof publisher.publish> {
  return publisher.publish({
    target,
    modelFolder: folder,
    manifest,
    card,
    provenance: { schema: 'x', digest: manifest.digest },
  });
}

/** A target, and two models that may go live there. */
async function setUp(): Promise<{ readonly target: string; readonly one: Model; readonly two: Model }> {
  const root = await temporaryFolder();
  return { target: path.join(root, 'live'), one: await writeModel(root, 'one'), two: await writeModel(root, 'two') };
}

function restore(target: string, { folder, manifest }: Model): ReturnType<typeof publisher.restore> {
  return publisher.restore({ target, modelFolder: folder, manifest });
}

const weightsAt = (folder: string): Promise<string> => readFile(path.join(folder, 'model.safetensors'), 'utf8');

async function change(file: string, text: string): Promise<void> {
  await rm(file);
  await writeFile(file, text);
}

describe('publishing into a folder', () => {
  it('puts the version there whole, with card and provenance, then flips the alias', async () => {
    const { target, one } = await setUp();
    expect(await publish(target, one)).toEqual({ previousDigest: null });
    expect(await readlink(path.join(target, 'current'))).toBe(path.join('versions', one.manifest.digest));
    const current = path.join(target, 'current');
    expect((await readdir(current)).sort()).toEqual(['README.md', 'model.safetensors', 'regraft.json', 'sub']);
    expect(await weightsAt(current)).toBe('weights of one');
    expect(await readFile(path.join(current, 'sub', 'chat.jinja'), 'utf8')).toBe('chat');
    expect(await readFile(path.join(current, 'README.md'), 'utf8')).toBe('the card');
    expect(JSON.parse(await readFile(path.join(current, 'regraft.json'), 'utf8'))).toEqual({
      schema: 'x',
      digest: one.manifest.digest,
    });
  });

  it('tells what was live before, which stays for a rollback', async () => {
    const { target, one, two } = await setUp();
    await publish(target, one);
    expect(await publish(target, two)).toEqual({ previousDigest: one.manifest.digest });
    expect(await weightsAt(path.join(target, 'current'))).toBe('weights of two');
    expect(await weightsAt(path.join(target, 'versions', one.manifest.digest))).toBe('weights of one');
    expect(await publish(target, one)).toEqual({ previousDigest: two.manifest.digest });
    expect(await weightsAt(path.join(target, 'current'))).toBe('weights of one');
  });

  it('removes a day later what a killed process left half-copied, and nothing before', async () => {
    const { target, one, two } = await setUp();
    await publish(target, one);
    const half = path.join(target, 'versions', `${two.manifest.digest}.partial-0123456789ab`);
    await mkdir(half);
    await publish(target, one);
    expect(await readdir(path.join(target, 'versions'))).toHaveLength(2);
    const { folder: modelFolder, manifest } = two;
    const nextDay = createFolderPublisher(() => Date.now() + 25 * 3_600_000);
    await nextDay.publish({ target, modelFolder, manifest, card: '', provenance: {} });
    const kept = [one.manifest.digest, two.manifest.digest].sort();
    expect((await readdir(path.join(target, 'versions'))).sort()).toEqual(kept);
  });

  it('changes nothing when it runs again, and leaves nothing half beside it', async () => {
    const { target, one } = await setUp();
    await publish(target, one);
    const before = await lstat(path.join(target, 'current'));
    expect(await publish(target, one)).toEqual({ previousDigest: null });
    expect((await lstat(path.join(target, 'current'))).ino).toBe(before.ino);
    expect(await readdir(path.join(target, 'versions'))).toEqual([one.manifest.digest]);
    expect((await readdir(target)).sort()).toEqual(['current', 'versions']);
  });

  it('ends in one whole version when ten publish it at once', async () => {
    const { target, one } = await setUp();
    await Promise.all(Array.from({ length: 10 }, () => publish(target, one)));
    expect(await readdir(path.join(target, 'versions'))).toEqual([one.manifest.digest]);
    expect((await readdir(target)).sort()).toEqual(['current', 'versions']);
    expect(await weightsAt(path.join(target, 'current'))).toBe('weights of one');
  });

  it('never lets a damaged copy go live: what was live stays, and nothing half is left', async () => {
    const { target, one, two } = await setUp();
    await publish(target, one);
    await change(path.join(two.folder, 'model.safetensors'), 'weights of twO');
    await expect(publish(target, two)).rejects.toThrow(
      expect.objectContaining({ code: 'PUBLISH_VERIFY_FAILED', retryable: true }) as Error,
    );
    expect(await weightsAt(path.join(target, 'current'))).toBe('weights of one');
    expect(await readdir(path.join(target, 'versions'))).toEqual([one.manifest.digest]);
  });

  it('leaves nothing half when a file of the model is missing', async () => {
    const { target, one } = await setUp();
    await rm(path.join(one.folder, 'sub', 'chat.jinja'));
    await expect(publish(target, one)).rejects.toThrow('ENOENT');
    expect(await readdir(path.join(target, 'versions'))).toEqual([]);
    expect(await readdir(target)).toEqual(['versions']);
  });

  it.each([
    ['another byte in it', (version: string) => change(path.join(version, 'model.safetensors'), 'weights of oNe')],
    ['a file missing', (version: string) => rm(path.join(version, 'sub'), { recursive: true })],
  ])('replaces an earlier copy of the version that has %s, before it goes live again', async (_claim, damage) => {
    const { target, one, two } = await setUp();
    await publish(target, one);
    await publish(target, two);
    await damage(path.join(target, 'versions', one.manifest.digest));
    await publish(target, one);
    expect(await weightsAt(path.join(target, 'current'))).toBe('weights of one');
    expect(await readFile(path.join(target, 'current', 'sub', 'chat.jinja'), 'utf8')).toBe('chat');
    expect((await readdir(path.join(target, 'versions'))).sort()).toEqual(
      [one.manifest.digest, two.manifest.digest].sort(),
    );
  });

  it('renews the card of a version that is live', async () => {
    const { target, one } = await setUp();
    await publish(target, one, 'old');
    await publish(target, one, 'new');
    expect(await readFile(path.join(target, 'current', 'README.md'), 'utf8')).toBe('new');
  });
});

describe('restoring in a folder', () => {
  it('makes a version that was live before live again, with the card that it had', async () => {
    const { target, one, two } = await setUp();
    await publish(target, one, 'the card of one');
    await publish(target, two, 'the card of two');
    expect(await restore(target, one)).toEqual({ previousDigest: two.manifest.digest });
    expect(await weightsAt(path.join(target, 'current'))).toBe('weights of one');
    expect(await readFile(path.join(target, 'current', 'README.md'), 'utf8')).toBe('the card of one');
    expect(await weightsAt(path.join(target, 'previous'))).toBe('weights of two');
    expect(await restore(target, two)).toEqual({ previousDigest: one.manifest.digest });
    expect(await readFile(path.join(target, 'current', 'README.md'), 'utf8')).toBe('the card of two');
  });

  it('changes nothing when it runs again, and still tells what it replaced', async () => {
    const { target, one, two } = await setUp();
    await publish(target, one);
    await publish(target, two);
    const first = await restore(target, one);
    const before = await lstat(path.join(target, 'current'));
    expect(await restore(target, one)).toEqual(first);
    expect((await lstat(path.join(target, 'current'))).ino).toBe(before.ino);
    expect((await readdir(target)).sort()).toEqual(['current', 'previous', 'versions']);
  });

  it.each([
    ['gone', (version: string) => rm(version, { recursive: true })],
    ['damaged', (version: string) => change(path.join(version, 'model.safetensors'), 'weights of oNe')],
  ])('uploads a version that is %s again before it goes live', async (_claim, damage) => {
    const { target, one, two } = await setUp();
    await publish(target, one);
    await publish(target, two);
    await damage(path.join(target, 'versions', one.manifest.digest));
    await restore(target, one);
    expect(await weightsAt(path.join(target, 'current'))).toBe('weights of one');
    expect(await readFile(path.join(target, 'current', 'sub', 'chat.jinja'), 'utf8')).toBe('chat');
    expect(await readdir(path.join(target, 'versions'))).toHaveLength(2);
  });

  it('keeps what is live where the version cannot be made whole', async () => {
    const { target, one, two } = await setUp();
    await publish(target, two);
    await change(path.join(one.folder, 'model.safetensors'), 'weights of oNe');
    await expect(restore(target, one)).rejects.toThrow(
      expect.objectContaining({ code: 'PUBLISH_VERIFY_FAILED' }) as Error,
    );
    expect(await weightsAt(path.join(target, 'current'))).toBe('weights of two');
    expect(await readdir(path.join(target, 'versions'))).toEqual([two.manifest.digest]);
  });
});
