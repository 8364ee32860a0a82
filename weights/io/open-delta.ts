import { basename, join, resolve } from 'node:path';
import { WeightsError } from '../errors.ts';
import { vocabularyRows } from '../plan/canonical-tensors.ts';
import { parseDeltaManifest, type DeltaManifest } from '../plan/delta-manifest.ts';
import { elementCount, type TensorEntry } from '../plan/model.ts';
import { readSafetensorsHeader } from './read-safetensors-header.ts';
import { readText } from './read-text.ts';

/** A delta folder as its manifest and headers describe it; no value has been read. */
export interface DeltaFolder {
  readonly folder: string;
  readonly manifest: DeltaManifest;
  /** Every tensor by name, in stored order. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** Names of the files in `fine-tune/`. */
  readonly fineTuneFiles: readonly string[];
}

/**
 * Opens a delta folder: delta.json and the headers of its files, which must agree. Sizes are checked, digests are not (that
 * would read everything). Errors: WEIGHTS_DELTA_INVALID, WEIGHTS_FILE_MISSING, and those of `readSafetensorsHeader`.
 */
export async function openDelta(folder: string): Promise<DeltaFolder> {
  const root = resolve(folder);
  const path = join(root, 'delta.json');
  const manifest = parseDeltaManifest(await readText(path), path);
  const headers = await Promise.all(manifest.shards.map((shard) => readSafetensorsHeader(join(root, shard.path))));
  const stored = headers.flatMap((header) => header.tensors);
  const tensors = new Map(stored.map((entry) => [entry.name, entry]));
  const problems = [
    ...headers.flatMap(({ path: file, fileBytes, metadata }, i) => [
      ...(metadata['format'] === 'regraft-delta' ? [] : [`${file} is not marked as a delta`]),
      ...(fileBytes === manifest.shards[i]?.sizeBytes ? [] : [`${file} has ${String(fileBytes)} bytes`]),
    ]),
    ...(tensors.size === stored.length ? [] : ['a tensor is stored twice']),
    ...[...tensors].flatMap(([name, { dtype }]) =>
      manifest.dtypes[name] === dtype ? [] : [`\`${name}\` is stored as ${dtype}, the manifest says otherwise`],
    ),
    ...(tensors.size === manifest.tensorCount ? [] : [`${String(tensors.size)} tensors are stored`]),
    ...(manifest.introducedRows.every(([first, count]) => first + count <= vocabularyRows(tensors))
      ? []
      : ['the introduced rows are more than the vocabulary has']),
    ...(stored.reduce((sum, { shape }) => sum + elementCount(shape), 0) === manifest.parameterCount
      ? []
      : ['the stored parameters are not as many as the manifest says']),
  ];
  if (problems.length > 0) {
    const message = `${path}: ${problems.slice(0, 5).join('; ')}; make the delta again from its two models.`;
    throw new WeightsError('WEIGHTS_DELTA_INVALID', message, { path, problems });
  }
  return { folder: root, manifest, tensors, fineTuneFiles: manifest.fineTune.map((file) => basename(file.path)) };
}
