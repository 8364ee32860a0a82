import { WeightsError } from '../errors.ts';
import type { Config } from './config/config-fields.ts';
import { isRecord } from './is-record.ts';
import type { RowRange } from './vocabulary/types.ts';

/** The schema that delta.json declares. */
export const DELTA_SCHEMA = 'regraft.delta/2';

/** A written file, as reports and manifests name it; `path` is relative to the folder it is in. */
export interface OutputFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** What delta.json says. */
export interface DeltaManifest {
  readonly schema: typeof DELTA_SCHEMA;
  /** Digests of the models that were subtracted, as the caller pinned them. */
  readonly parents: { readonly tuned: string; readonly base: string };
  readonly architecture: string;
  readonly modelType: string;
  /** The config fields that define shapes. */
  readonly shapeConfig: Readonly<Record<string, number>>;
  readonly tied: boolean;
  readonly tensorCount: number;
  readonly parameterCount: number;
  /** L2 norm of the stored differences, accumulated in float64 (see docs/weights.md for the order); own rows do not count. */
  readonly norm: number;
  /** Tensor name -> F32 or F64. */
  readonly dtypes: Readonly<Record<string, string>>;
  /** sha256 of the vocabulary files of a fine-tune without a tokenizer.json; null otherwise. */
  readonly vocabularyDigest: string | null;
  /** Rows of the embedding (and of an untied head) that hold the fine-tune's own values, because the base lacks their token, or they are padding. */
  readonly introducedRows: readonly RowRange[];
  /** config.json of the two models, for the settings that a fine-tune has changed. */
  readonly configs: { readonly tuned: Config; readonly base: Config };
  /** generation_config.json of the base; null where it has none. */
  readonly baseGeneration: Config | null;
  readonly shards: readonly OutputFile[];
  readonly fineTune: readonly OutputFile[];
}

/** Parses a delta.json. Error: WEIGHTS_DELTA_INVALID with every field at fault in `details.problems`. */
export function parseDeltaManifest(text: string, path: string): DeltaManifest {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw invalid(path, ['it is not JSON']);
  }
  if (!isRecord(document)) throw invalid(path, ['it is not an object']);
  const problems = Object.entries(FIELDS).flatMap(([field, isValid]) =>
    isValid(document[field])
      ? []
      : [`field ${field} is ${field in document ? JSON.stringify(document[field]).slice(0, 80) : 'missing'}`],
  );
  if (problems.length > 0) throw invalid(path, problems);
  return document as unknown as DeltaManifest; // every field has just been checked
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);
const isEvery = (value: unknown, is: (one: unknown) => boolean): boolean =>
  isRecord(value) && Object.values(value).every(is);
const isFiles = (value: unknown, name: RegExp): boolean =>
  Array.isArray(value) &&
  value.every(
    (file) =>
      isRecord(file) &&
      typeof file['path'] === 'string' &&
      name.test(file['path']) &&
      isCount(file['sizeBytes']) &&
      isText(file['sha256']),
  );

const FIELDS: Readonly<Record<keyof DeltaManifest, (value: unknown) => boolean>> = {
  schema: (value) => value === DELTA_SCHEMA,
  parents: (value) => isRecord(value) && isText(value['tuned']) && isText(value['base']),
  architecture: isText,
  modelType: isText,
  shapeConfig: (value) => isEvery(value, isNumber),
  tied: (value) => typeof value === 'boolean',
  tensorCount: isCount,
  parameterCount: isCount,
  norm: isNumber,
  dtypes: (value) => isEvery(value, (dtype) => dtype === 'F32' || dtype === 'F64'),
  vocabularyDigest: (value) => value === null || isText(value),
  introducedRows: (value) =>
    Array.isArray(value) && value.every((range) => Array.isArray(range) && range.length === 2 && range.every(isCount)),
  configs: (value) => isRecord(value) && isRecord(value['tuned']) && isRecord(value['base']),
  baseGeneration: (value) => value === null || isRecord(value),
  shards: (value) => isFiles(value, /^delta-\d{5}-of-\d{5}\.delta$/),
  fineTune: (value) => isFiles(value, /^fine-tune\/[a-z_]+\.(json|jinja)$/),
};

function invalid(path: string, problems: readonly string[]): WeightsError {
  const message = `${path}: ${problems.join('; ')}; make the delta again from its two models.`;
  return new WeightsError('WEIGHTS_DELTA_INVALID', message, { path, problems });
}
