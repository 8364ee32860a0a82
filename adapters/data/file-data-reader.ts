import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { DataReader, Suite } from '../../activities/ports.ts';
import { messageOf, RegraftError } from '../../contracts/error.ts';
import type { SuiteSpec } from '../../contracts/lineage-spec.schema.ts';
import { isErrno } from '../store/atomic-file.ts';
import { canonicalJson } from '../store/canonical-json.ts';
import { sha256OfFile } from '../store/fs-blobs.ts';

const definitionSchema = z.strictObject({
  name: z.string(),
  samples: z.string().regex(/^[^/\\]+\.jsonl$/, 'name a .jsonl file beside suite.yaml'),
  scorer: z.literal('exact'),
});
const sampleSchema = z.strictObject({ prompt: z.string().min(1), completion: z.string().min(1) });

/** Suites and datasets as files of this machine. */
export function createFileDataReader(): DataReader {
  return {
    suite: readSuite,
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

async function readSuite(spec: SuiteSpec): Promise<Suite> {
  try {
    const definition = definitionSchema.parse(parse(await readFile(path.join(spec.suite, 'suite.yaml'), 'utf8')));
    const lines = (await readFile(path.join(spec.suite, definition.samples), 'utf8')).split('\n');
    const samples = lines.filter((line) => line.trim() !== '').map((line) => sampleSchema.parse(JSON.parse(line)));
    if (samples.length === 0) throw new Error(`${definition.samples} has no sample`);
    return { name: spec.name, digest: canonicalJson({ scorer: definition.scorer, samples }).sha256, samples };
  } catch (error) {
    throw new RegraftError(
      'SUITE_INVALID',
      `Suite \`${spec.name}\` at ${spec.suite} cannot be read: ${messageOf(error)}; it needs a suite.yaml (name, samples, scorer) and a JSONL file of {"prompt", "completion"}.`,
      { cause: error },
    );
  }
}
