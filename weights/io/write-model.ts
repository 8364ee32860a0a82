import { basename, join } from 'node:path';
import { WeightsError } from '../errors.ts';
import { canonicalTensors } from '../plan/canonical-tensors.ts';
import type { OutputFile } from '../plan/delta-manifest.ts';
import { elementCount, type ModelFolder, type TensorEntry } from '../plan/model.ts';
import { withoutTensors } from '../plan/parse-index.ts';
import { serializeHeader } from '../plan/serialize-header.ts';
import { planSidecars } from '../plan/sidecars.ts';
import { INDEX_FILE, readIndex } from './open-model.ts';
import { readHeaderBytes, readSafetensorsHeader } from './read-safetensors-header.ts';
import { stageFolder, type StagedFolder } from './staged-folder.ts';
import { floatDtype, type Combine } from './stream-tensor.ts';
import { writeTensors, type ShardJob, type WorkOptions } from './write-tensors.ts';

/** What became of every parameter of the target, and every file that was written. */
export interface ApplyReport {
  /** Parameters that a Δ was added to, a tied embedding once. */
  readonly parametersMoved: number;
  /** Parameters that are the target's own; 0 unless every scale is 0. */
  readonly parametersKept: number;
  readonly tensors: number;
  /** Always 0: a result that is not finite is an error. */
  readonly nonFinite: 0;
  /** Sorted by path, relative to the output folder. */
  readonly outputs: readonly OutputFile[];
}

/** A new model in the target's shape. */
export interface WriteModelInput extends WorkOptions {
  readonly target: ModelFolder;
  readonly out: string;
  /** What is combined with a target tensor, by its canonical name; same element count. */
  readonly operandsOf: (canonicalName: string) => readonly TensorEntry[];
  readonly combine: Combine;
  readonly fineTune: { readonly folder: string; readonly files: readonly string[] };
  readonly isMoved: boolean;
}

/**
 * Writes a model with the target's file names, headers and order, every value computed by `combine` from the target's value
 * (operand 0) and the others. A stored duplicate of a tied embedding is left out, and the index says so; a file that held nothing else
 * is not written. Errors: those of `stageFolder` and `writeTensors`.
 */
export async function writeModel(input: WriteModelInput): Promise<ApplyReport> {
  const { target, fineTune } = input;
  const shards = await planShards(input);
  const tensors = shards.flatMap((shard) => shard.tensors);
  const parameters = tensors.reduce((sum, { count }) => sum + count, 0);
  if (parameters !== target.parameterCount) throw unaccounted(parameters, target);
  return await stageFolder(input.out, input.signal, async (staged) => {
    const outputs = [
      ...(await writeTensors(staged, shards, input.combine, input)),
      ...(await writeIndex(staged, target)),
    ];
    for (const { name, from } of planSidecars(target.files, fineTune.files)) {
      outputs.push(await staged.copyFile(name, join(from === 'target' ? target.folder : fineTune.folder, name)));
    }
    return {
      parametersMoved: input.isMoved ? parameters : 0,
      parametersKept: input.isMoved ? 0 : parameters,
      tensors: tensors.length,
      nonFinite: 0,
      outputs: outputs.sort((a, b) => (a.path < b.path ? -1 : 1)),
    };
  });
}

async function planShards({ target, operandsOf }: WriteModelInput): Promise<readonly ShardJob[]> {
  const { byName, duplicates } = canonicalTensors(target.tensors, target.tieWordEmbeddings);
  const byPath = new Map<string, (readonly [string, TensorEntry])[]>();
  for (const member of byName) {
    const { path } = member[1];
    const members = byPath.get(path);
    if (members === undefined) byPath.set(path, [member]);
    else members.push(member);
  }
  const shards: ShardJob[] = [];
  for (const [path, members] of byPath) {
    const entries = members.map(([, entry]) => entry);
    const header = duplicates.some((duplicate) => duplicate.path === path)
      ? serializeHeader(entries, (await readSafetensorsHeader(path)).metadata)
      : await readHeaderBytes(path);
    shards.push({
      fileName: basename(path),
      header,
      tensors: members.map(([canonicalName, entry]) => ({
        name: entry.name,
        dtype: floatDtype(entry),
        count: elementCount(entry.shape),
        sources: [entry, ...operandsOf(canonicalName)],
      })),
    });
  }
  return shards;
}

async function writeIndex(staged: StagedFolder, target: ModelFolder): Promise<readonly OutputFile[]> {
  const isSharded = [...target.tensors.values()].some(({ path }) => basename(path) !== 'model.safetensors');
  if (!isSharded) return [];
  const { duplicates } = canonicalTensors(target.tensors, target.tieWordEmbeddings);
  if (duplicates.length === 0) return [await staged.copyFile(INDEX_FILE, join(target.folder, INDEX_FILE))];
  const dropped = duplicates.map(({ name, sizeBytes, shape }) => ({
    name,
    sizeBytes,
    parameters: elementCount(shape),
  }));
  const json = new TextEncoder().encode(withoutTensors(await readIndex(target.folder), dropped));
  return [await staged.writeFile(INDEX_FILE, (write) => write(json))];
}

function unaccounted(parameters: number, target: ModelFolder): WeightsError {
  const message = `${target.folder}: ${String(parameters)} parameters are planned, expected ${String(target.parameterCount)}; report this.`;
  return new WeightsError('WEIGHTS_INCOMPATIBLE', message, { parameters, expected: target.parameterCount });
}
