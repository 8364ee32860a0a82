import { stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { dtypeBytes } from '../dtype.ts';
import { WeightsError } from '../errors.ts';
import type { Totals } from '../ops/health-totals.ts';
import { reportHealth, type HealthReport } from '../plan/health-report.ts';
import { elementCount } from '../plan/model.ts';
import type { WorkPlan } from '../plan/work-plan.ts';
import { runPlan, type WorkOptions } from './engine/run-plan.ts';
import type { FileResult } from './engine/stream-file.ts';
import { isErrno, toWeightsError } from './fs-error.ts';
import { openOutputFolder, type OutputFolder } from './output-folder.ts';
import { digestPlan } from './plan-digest.ts';

/** A written file; `path` is relative to the folder it is in. */
export interface WrittenFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Null where the caller wanted no digests. */
  readonly sha256: string | null;
}

/** What was computed for one output. */
export interface ComputedOutput {
  readonly files: readonly WrittenFile[];
  /** Null where the caller wanted none. */
  readonly health: HealthReport | null;
}

/** Writes what belongs to an output besides the computed files; returns them all. */
export type FinishOutput = (
  folder: OutputFolder,
  output: number,
  computed: ComputedOutput,
) => Promise<readonly WrittenFile[]>;

/**
 * Carries a plan out: each output appears whole under its name, or not at all. Stopped on the way (an abort, a full disk, the
 * end of the process), what is done stays in `<out>.partial` and the same call goes on there. A result that is not finite
 * where the target is leaves nothing.
 *
 * Errors: WEIGHTS_NON_FINITE naming every tensor, WEIGHTS_SPACE_MISSING, WEIGHTS_OUTPUT_EXISTS, WEIGHTS_OUTPUT_BUSY,
 * WEIGHTS_ABORTED, and those of reading and writing.
 */
export async function makeOutputs(
  plan: WorkPlan,
  outs: readonly string[],
  options: WorkOptions,
  finish: FinishOutput,
): Promise<readonly ComputedOutput[]> {
  const { health = true, durable = true } = options;
  const digest = await digestPlan(plan, leftBehindBy(outs, options));
  const folders: OutputFolder[] = [];
  try {
    for (const out of outs) folders.push(await openOutputFolder(out, digest));
    await assertSpace(plan, outs, folders);
    const places = { folders: folders.map(({ partial }) => partial), journals: folders[0]?.journals ?? '' };
    const results = await runPlan(plan, places, options);
    assertFinite(plan, results);
    const computed = outs.map((_, output) => toComputed(plan, results, output, health));
    for (const [output, folder] of folders.entries()) {
      const one = computed[output];
      if (one === undefined) continue;
      const files = await finish(folder, output, one);
      await folder.publish(
        files.map(({ path }) => path),
        { durable },
      );
    }
    return computed;
  } catch (error) {
    const isPassing = error instanceof WeightsError && error.retryable;
    for (const folder of folders) await (isPassing ? folder.leave() : folder.discard());
    throw error;
  }
}

/** What decides, besides the plan, whether what an earlier try has left can be gone on with. */
function leftBehindBy(outs: readonly string[], options: WorkOptions): Readonly<Record<string, unknown>> {
  const { digests = true, health = true, pieceElements } = options;
  return { outs: outs.map((out) => resolve(out)), digests, health, pieceElements };
}

function toComputed(plan: WorkPlan, results: readonly FileResult[], output: number, health: boolean): ComputedOutput {
  const files = results.map(({ name, sizeBytes, sha256 }) => ({
    path: name,
    sizeBytes,
    sha256: sha256[output] ?? null,
  }));
  if (!health) return { files, health: null };
  const measured = measuredTensors(plan, results, output).flatMap(({ name, totals }) => {
    const [moved = 0, target = 0, error = 0, previous = 0, dot = 0] = totals.sums;
    // A tensor that was only copied was not measured.
    return moved === 0 && target === 0 ? [] : [{ name, moved, target, error, previous, dot }];
  });
  return { files, health: reportHealth(measured) };
}

function measuredTensors(
  plan: WorkPlan,
  results: readonly FileResult[],
  output: number,
): readonly { readonly name: string; readonly totals: Totals }[] {
  const byTensor = results.flatMap(({ totals }) => totals).sort(([a], [b]) => a - b);
  return byTensor.flatMap(([tensor, outputs]) => {
    const totals = outputs[output];
    return totals === undefined ? [] : [{ name: plan.tensors[tensor]?.name ?? '', totals }];
  });
}

function assertFinite(plan: WorkPlan, results: readonly FileResult[]): void {
  for (let output = 0; output < plan.outputs; output++) {
    const found = measuredTensors(plan, results, output).flatMap(({ name, totals }) =>
      totals.newNonFinite > 0 ? [{ tensor: name, values: totals.newNonFinite }] : [],
    );
    if (found.length > 0) throw notFinite(found);
  }
}

function notFinite(found: readonly { readonly tensor: string; readonly values: number }[]): WeightsError {
  const named = found.slice(0, 5).map(({ tensor, values }) => `\`${tensor}\` (${String(values)} values)`);
  const more = found.length > 5 ? ` and ${String(found.length - 5)} more` : '';
  const message = `The result is not finite in ${named.join(', ')}${more}, expected finite values everywhere; check the inputs for NaN and infinities, or use a smaller scale.`;
  return new WeightsError('WEIGHTS_NON_FINITE', message, { tensors: found });
}

/** Bytes of all files that a plan computes, for one output. */
function outputBytes({ files, tensors }: WorkPlan): number {
  const data = tensors.reduce((sum, { shape, dtype }) => sum + elementCount(shape) * dtypeBytes(dtype), 0);
  return files.reduce((sum, { header }) => sum + header.byteLength, data);
}

/** An early word is better than a disk that is full in the end; what an earlier try has left is there already. */
async function assertSpace(plan: WorkPlan, outs: readonly string[], folders: readonly OutputFolder[]): Promise<void> {
  const [out] = outs;
  if (out === undefined) return;
  const folder = dirname(resolve(out));
  const { bavail, bsize } = await statfs(folder);
  const left = await Promise.all(folders.map(({ partial }) => bytesLeft(plan, partial)));
  const neededBytes = outputBytes(plan) * outs.length - left.reduce((sum, bytes) => sum + bytes, 0);
  const freeBytes = bavail * bsize;
  if (neededBytes <= freeBytes) return;
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
  const message = `${folder}: found ${gigabytes(freeBytes)} of free space, expected ${gigabytes(neededBytes)}; free some, or write elsewhere.`;
  throw new WeightsError('WEIGHTS_SPACE_MISSING', message, { folder, freeBytes, neededBytes }, { retryable: true });
}

async function bytesLeft({ files }: WorkPlan, partial: string): Promise<number> {
  const sizes = await Promise.all(
    files.map(async ({ name }) => {
      const found = await stat(join(partial, name)).catch((error: unknown) => {
        if (isErrno(error, 'ENOENT')) return null;
        throw toWeightsError(error, partial);
      });
      return found?.size ?? 0;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
