import path from 'node:path';
import { createFsArtifactStore } from '../../adapters/store/fs-artifact-store.ts';
import { isCodedError } from '../../contracts/error.ts';
import type { ReleaseState } from '../../contracts/lineage-state.ts';
import { runRecordSchema, type RunRecord } from '../../contracts/run-record.schema.ts';

/**
 * The records of a release's runs, by digest, from the store in the home folder. What is not in it is left out: the store
 * may be on the workers' machines only.
 * @throws RegraftError STORE_CORRUPT
 */
export async function readRecords({ arms }: ReleaseState, home: string): Promise<ReadonlyMap<string, RunRecord>> {
  const store = createFsArtifactStore(path.join(home, 'store'));
  const records = new Map<string, RunRecord>();
  for (const digest of new Set(arms.flatMap(({ result }) => result?.recordDigest ?? []))) {
    try {
      records.set(digest, runRecordSchema.parse(await store.getRecord(digest)));
    } catch (error) {
      if (!isCodedError(error) || error.code !== 'STORE_NOT_FOUND') throw error;
    }
  }
  return records;
}
