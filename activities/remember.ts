import type { z } from 'zod';
import type { ArtifactStore } from './ports.ts';

/** A piece of work, named by everything its result depends on. */
export interface WorkKey {
  readonly work: string;
  readonly inputs: Readonly<Record<string, string | number>>;
}

/**
 * Does a piece of work once: its result is kept in the store under its key, and found there by every later run, whichever
 * arm, release or lineage asks. Two that do it at the same time both get the result that was kept first.
 */
export async function remember<Value>(
  store: ArtifactStore,
  key: WorkKey,
  schema: z.ZodType<Value>,
  work: () => Promise<Value>,
): Promise<{ readonly value: Value; readonly recordDigest: string }> {
  const keyDigest = await store.putRecord(key);
  const ref = `work/${key.work}/${keyDigest}`;
  const known = await store.readRef(ref);
  const recordDigest = known ?? (await firstValue(store, ref, await store.putRecord(await work())));
  return { value: schema.parse(await store.getRecord(recordDigest)), recordDigest };
}

/** Sets a ref that is not set yet; when another was faster, the value that stands. */
export async function firstValue(store: ArtifactStore, ref: string, digest: string): Promise<string> {
  return (await store.swapRef(ref, null, digest)).current ?? digest;
}
