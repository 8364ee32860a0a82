import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { WeightsError } from '../errors.ts';
import { isRecord } from '../plan/is-record.ts';
import type { Coverage } from '../plan/plan-move.ts';
import type { WrittenFile } from './make-outputs.ts';
import type { Participant } from './participant.ts';
import type { PreparedMove } from './prepare-move.ts';
import { readText } from './read-text.ts';

/** The file in an output folder that tells where it came from; model loaders ignore it. */
export const PROVENANCE_FILE = 'regraft.json';
/** The schema that it declares. */
export const PROVENANCE_SCHEMA = 'regraft.provenance/1';

/** Which model an output was made of. */
export interface ModelOrigin {
  readonly role: string;
  /** By which the caller has pinned it; null where the caller did not say. Recorded, not checked. */
  readonly digest: string | null;
  /** sha256 over config.json and the tensors' names, dtypes and shapes: names the layout, not the values. Null for a delta and an adapter. */
  readonly layout: string | null;
}

/** What regraft.json says, as far as `verify` reads it. */
export interface Provenance {
  readonly schema: typeof PROVENANCE_SCHEMA;
  readonly operation: string;
  readonly models: readonly ModelOrigin[];
  readonly settings: Readonly<Record<string, unknown>>;
  readonly files: readonly (WrittenFile & { readonly sha256: string })[];
}

/** The same inputs give the same text: it holds no time and no path. */
export function serializeProvenance(
  story: { readonly operation: string; readonly models: readonly ModelOrigin[]; readonly settings: object },
  { vocabulary, conflicts }: PreparedMove,
  coverage: Coverage,
  files: readonly WrittenFile[],
): string {
  const { operation, models, settings } = story;
  const document = { schema: PROVENANCE_SCHEMA, operation, settings, models, coverage, vocabulary, conflicts, files };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Describes a participant. */
export async function originOf({ facts, model }: Participant, digest: string | null): Promise<ModelOrigin> {
  const hash = createHash('sha256').update(await readText(join(model.folder, 'config.json')));
  for (const name of [...facts.tensors.keys()].sort()) {
    const { dtype, shape } = facts.tensors.get(name) ?? { dtype: '', shape: [] };
    hash.update(`\n${name} ${dtype} ${shape.join()}`);
  }
  return { role: facts.role, digest, layout: hash.digest('hex') };
}

/** Reads a folder's regraft.json. Errors: WEIGHTS_FILE_MISSING, WEIGHTS_VERIFY_FAILED for one that is not of this kind. */
export async function readProvenance(folder: string): Promise<Provenance> {
  const path = join(folder, PROVENANCE_FILE);
  const text = await readText(path, 100_000_000);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw invalid(path, 'is not JSON');
  }
  if (!isRecord(document) || document['schema'] !== PROVENANCE_SCHEMA) {
    throw invalid(path, `has another schema than ${PROVENANCE_SCHEMA}`);
  }
  const files: unknown = document['files'];
  if (!Array.isArray(files) || !files.every(isDigested)) throw invalid(path, 'has no list of files with digests');
  return document as unknown as Provenance; // what is read of it has just been checked
}

function isDigested(file: unknown): boolean {
  return (
    isRecord(file) &&
    typeof file['path'] === 'string' &&
    /^[\w][\w.-]*(\/[\w][\w.-]*)?$/.test(file['path']) &&
    typeof file['sha256'] === 'string' &&
    typeof file['sizeBytes'] === 'number'
  );
}

function invalid(path: string, why: string): WeightsError {
  const message = `${path}: the file ${why}; make the model again from what it came from.`;
  return new WeightsError('WEIGHTS_VERIFY_FAILED', message, { path });
}
