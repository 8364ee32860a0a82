import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { deltasOf, operandsOf } from '../ops/piece-layout.ts';
import type { WorkPlan } from '../plan/work-plan.ts';
import { toWeightsError } from './fs-error.ts';

/** Changes when the bytes that a plan gives could: then nothing that an older engine has left is gone on with. */
const ENGINE = 'regraft.weights/2';

/**
 * Names a plan together with its inputs as they are now (size, time of change and inode of every file; no content is read) and
 * with what else decides what is left behind. Errors: WEIGHTS_FILE_MISSING, WEIGHTS_IO_FAILED.
 */
export async function digestPlan(plan: WorkPlan, settings: Readonly<Record<string, unknown>>): Promise<string> {
  const hash = createHash('sha256').update(ENGINE).update(JSON.stringify(settings));
  for (const path of inputFiles(plan)) {
    try {
      const { size, mtimeNs, ino } = await stat(path, { bigint: true });
      hash.update(`\n${path} ${String(size)} ${String(mtimeNs)} ${String(ino)}`);
    } catch (error) {
      throw toWeightsError(error, path);
    }
  }
  hash.update(JSON.stringify(plan.tensors)).update(String(plan.outputs));
  for (const { name, header, parts } of plan.files) {
    hash.update(name).update(header);
    for (const part of parts) hash.update(JSON.stringify(part));
  }
  return hash.digest('hex');
}

/** Every file that a plan reads from, each once, sorted. */
function inputFiles(plan: WorkPlan): readonly string[] {
  const paths = new Set<string>();
  for (const { parts } of plan.files) {
    for (const { expression } of parts) {
      for (const { path } of operandsOf(expression)) paths.add(path);
      for (const delta of deltasOf(expression)) {
        if (delta.kind === 'low-rank') paths.add(delta.left.path).add(delta.right.path);
      }
    }
  }
  return [...paths].sort();
}
