import type { LineageDoor } from '../activities/ports.ts';
import type { Lineages } from '../client/lineages.ts';
import { isCodedError } from '../contracts/error.ts';

/** The activities' door to lineages and runs, through the same client as everyone's. */
export function createLineageDoor(lineages: Lineages): LineageDoor {
  return {
    async knownReleases(lineage) {
      try {
        const { releases } = await lineages.state(lineage);
        return releases.map(({ release: { name, digest, commit } }) => {
          return { name, digest, ...(commit !== undefined && { commit }) };
        });
      } catch (error) {
        if (isCodedError(error) && error.code === 'LINEAGE_NOT_FOUND') return [];
        throw error;
      }
    },
    observeRelease: (lineage, release) => lineages.observeRelease(lineage, release),
    noteTrouble: (lineage, trouble) => lineages.noteTrouble(lineage, trouble),
    announceCheckpoint: (workflowId, runId, checkpoint) =>
      lineages.announceCheckpoint({ workflowId, runId }, checkpoint),
  };
}
