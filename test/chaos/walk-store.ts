import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** What of a store nothing leads to, and what something names that is not there. Each as `artifact ab12…` or `blob ab12…`. */
export interface StoreWalk {
  readonly unreferenced: readonly string[];
  readonly missing: readonly string[];
}

const DIGEST = /\b[0-9a-f]{64}\b/g;
const REF_FILE = /^@[0-9]+$/;

/**
 * Walks a `file://` store from its refs (their names and newest values) and from the digests that the caller knows of, over
 * every digest that a record or a manifest names.
 */
export async function walkStore(root: string, known: readonly string[]): Promise<StoreWalk> {
  const [artifacts, records, blobs] = await Promise.all([
    filesUnder(path.join(root, 'artifacts'), /^([0-9a-f]{64})\.json$/),
    filesUnder(path.join(root, 'records'), /^([0-9a-f]{64})\.json$/),
    filesUnder(path.join(root, 'blobs'), /^([0-9a-f]{64})$/),
  ]);
  const reached = new Set<string>();
  const ahead = [...known, ...(await digestsOfRefs(path.join(root, 'refs')))];
  const missing: string[] = [];
  for (let digest = ahead.pop(); digest !== undefined; digest = ahead.pop()) {
    if (reached.has(digest)) continue;
    reached.add(digest);
    const artifact = artifacts.get(digest);
    const text = artifact ?? records.get(digest);
    if (text === undefined) continue;
    const named = digestsIn(await readFile(text, 'utf8'));
    ahead.push(...named);
    if (artifact === undefined) continue;
    missing.push(...(await filesOf(artifact)).filter((blob) => !blobs.has(blob)).map((blob) => `blob ${blob}`));
  }
  const unreached = (what: string, all: ReadonlyMap<string, string>): readonly string[] =>
    [...all.keys()].filter((digest) => !reached.has(digest)).map((digest) => `${what} ${digest}`);
  return { unreferenced: [...unreached('artifact', artifacts), ...unreached('blob', blobs)], missing };
}

/** Digest to path, of the files whose name is one. */
async function filesUnder(folder: string, name: RegExp): Promise<ReadonlyMap<string, string>> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return new Map(
    found.flatMap((entry) => {
      const digest = entry.isFile() ? name.exec(entry.name)?.[1] : undefined;
      return digest === undefined ? [] : [[digest, path.join(entry.parentPath, entry.name)] as const];
    }),
  );
}

/** Names and newest values: earlier values are history. */
async function digestsOfRefs(folder: string): Promise<readonly string[]> {
  const newest = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!REF_FILE.test(entry.name)) continue;
    const before = newest.get(entry.parentPath);
    if (before === undefined || before < entry.name) newest.set(entry.parentPath, entry.name);
  }
  const texts = [...newest].map(([ref, name]) => readFile(path.join(ref, name), 'utf8'));
  return [...newest.keys(), ...(await Promise.all(texts))].flatMap(digestsIn);
}

function digestsIn(text: string): readonly string[] {
  return text.match(DIGEST) ?? [];
}

async function filesOf(manifest: string): Promise<readonly string[]> {
  const { files } = JSON.parse(await readFile(manifest, 'utf8')) as {
    readonly files: readonly { readonly sha256: string }[];
  };
  return files.map(({ sha256 }) => sha256);
}
