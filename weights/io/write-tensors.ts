import { WeightsError } from '../errors.ts';
import type { OutputFile } from '../plan/delta-manifest.ts';
import type { StagedFolder } from './staged-folder.ts';
import { createScratch, streamTensor, type Combine, type Progress, type TensorJob } from './stream-tensor.ts';
import { createTensorReader } from './tensor-reader.ts';

/** One output file in the safetensors layout: its first bytes, and its tensors in the order in which they follow. */
export interface ShardJob {
  readonly fileName: string;
  readonly header: Uint8Array;
  readonly tensors: readonly TensorJob[];
}

/** What long work accepts from its caller. */
export interface WorkOptions {
  /** Called after every piece. */
  readonly onProgress?: (progress: Progress) => void;
  /** Aborting it ends the work with WEIGHTS_ABORTED and leaves nothing behind. */
  readonly signal?: AbortSignal;
}

/**
 * Writes shards one after another. Error: WEIGHTS_NON_FINITE after all of them, naming every tensor in which a value came out as NaN or
 * infinite; and those of reading and writing.
 */
export async function writeTensors(
  staged: StagedFolder,
  shards: readonly ShardJob[],
  combine: Combine,
  options: WorkOptions,
): Promise<readonly OutputFile[]> {
  const jobs = shards.flatMap(({ tensors }) => tensors);
  const parametersTotal = jobs.reduce((sum, { count }) => sum + count, 0);
  let parametersDone = 0;
  await using reader = createTensorReader();
  const report = (tensor: string, parameters: number): void => {
    parametersDone += parameters;
    options.onProgress?.({ parametersDone, parametersTotal, tensor });
  };
  const context = { scratch: createScratch(jobs), reader, combine, report, signal: options.signal };
  const nonFinite: { tensor: string; values: number }[] = [];
  const outputs: OutputFile[] = [];
  for (const { fileName, header, tensors } of shards) {
    const output = await staged.writeFile(fileName, async (write) => {
      await write(header);
      for (const job of tensors) {
        const values = await streamTensor(job, write, context);
        if (values > 0) nonFinite.push({ tensor: job.name, values });
      }
    });
    outputs.push(output);
  }
  if (nonFinite.length > 0) throw notFinite(nonFinite);
  return outputs;
}

function notFinite(found: readonly { readonly tensor: string; readonly values: number }[]): WeightsError {
  const named = found.slice(0, 5).map(({ tensor, values }) => `\`${tensor}\` (${String(values)} values)`);
  const more = found.length > 5 ? ` and ${String(found.length - 5)} more` : '';
  const message = `The result is not finite in ${named.join(', ')}${more}, expected finite values everywhere; check the inputs for NaN and infinities, or use a smaller scale.`;
  return new WeightsError('WEIGHTS_NON_FINITE', message, { tensors: found });
}
