import type { DataReader } from '../../activities/ports.ts';
import { RegraftError } from '../../contracts/error.ts';
import { isErrno } from '../store/atomic-file.ts';
import { canonicalJson } from '../store/canonical-json.ts';
import { sha256OfFile } from '../store/fs-blobs.ts';
import { readSuite } from './read-suite.ts';

/** Suites and datasets as files of this machine. */
export function createFileDataReader(): DataReader {
  return {
    suite: ({ name, suite, harness }) => readSuite({ path: suite, name, harness }),
    async datasetDigest(file) {
      if (file.startsWith('hub://')) return hubDatasetDigest(file);
      try {
        return await sha256OfFile(file);
      } catch (error) {
        if (!isErrno(error, 'ENOENT')) throw error;
        throw new RegraftError(
          'DATASET_NOT_FOUND',
          `Dataset ${file} does not exist; correct \`finetune.dataset\` or put the file there.`,
        );
      }
    },
  };
}

/** A commit never changes, so its name stands for its content. */
function hubDatasetDigest(name: string): string {
  if (/^hub:\/\/datasets\/[\w.-]+\/[\w.-]+@[0-9a-f]{40}(#[\w.-]+)?$/.test(name))
    return canonicalJson({ dataset: name }).sha256;
  throw new RegraftError(
    'DATASET_NOT_PINNED',
    `Dataset ${name} names no commit; write hub://datasets/OWNER/NAME@COMMIT with all 40 digits: a branch can change while releases come.`,
  );
}
