import path from 'node:path';
import { createFsArtifactStore } from '../../adapters/store/fs-artifact-store.ts';
import type { LineageState, ReleaseState } from '../../contracts/lineage-state.ts';
import { reportSchema, type Report } from '../../contracts/report.schema.ts';
import { releaseRecordSchema, runRecordSchema } from '../../contracts/run-record.schema.ts';
import { buildReport, type RecordedRelease } from './build-report.ts';

/**
 * The report of a lineage: its state says which records there are, the store in the home folder has them.
 * @throws RegraftError STORE_NOT_FOUND, STORE_CORRUPT
 */
export async function readReport(state: LineageState, home: string): Promise<Report> {
  const store = createFsArtifactStore(path.join(home, 'store'));
  const concluded = state.releases.filter(({ concludedAt }) => concludedAt !== null);
  return reportSchema.parse(buildReport(state, await Promise.all(concluded.map(readRelease))));

  async function readRelease(entry: ReleaseState): Promise<RecordedRelease> {
    if (entry.recordDigest === null) return { entry, record: null, runs: new Map() };
    const record = releaseRecordSchema.parse(await store.getRecord(entry.recordDigest));
    const digests = [...new Set(record.arms.map(({ recordDigest }) => recordDigest))];
    const runs = digests.map(async (digest) => [digest, runRecordSchema.parse(await store.getRecord(digest))] as const);
    return { entry, record, runs: new Map(await Promise.all(runs)) };
  }
}
