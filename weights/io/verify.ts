import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { WeightsError } from '../errors.ts';
import { parseDeltaManifest } from '../plan/delta-manifest.ts';
import { isErrno, toWeightsError } from './fs-error.ts';
import { hashFile } from './hash-file.ts';
import { openDelta } from './open-delta.ts';
import { openModel } from './open-model.ts';
import { readText } from './read-text.ts';
import { PROVENANCE_FILE, readProvenance, type ModelOrigin } from './provenance.ts';

/** What a folder that verified says of itself. */
export interface VerifyReport {
  readonly kind: 'model' | 'delta';
  /** Files whose size and sha256 are as they were when they were written. */
  readonly files: number;
  readonly sizeBytes: number;
  /** What made it: recycle, apply, blend, diff. */
  readonly operation: string;
  /** What it was made of. */
  readonly models: readonly ModelOrigin[];
  readonly settings: Readonly<Record<string, unknown>>;
}

interface Listed {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string | null;
}

/**
 * Reads every byte of what the engine made, a model or a delta, and compares sizes and digests with those that were recorded;
 * headers, index and manifest have to agree too. What else lies in the folder is not looked at. Errors:
 * WEIGHTS_VERIFY_FAILED naming every file at fault, WEIGHTS_FILE_MISSING for a folder that says nothing about itself, and those
 * of `openModel` and `openDelta`.
 */
export async function verify(folder: string): Promise<VerifyReport> {
  const root = resolve(folder);
  return (await isFile(join(root, 'delta.json'))) ? await verifyDelta(root) : await verifyModel(root);
}

async function verifyDelta(root: string): Promise<VerifyReport> {
  const path = join(root, 'delta.json');
  const manifest = parseDeltaManifest(await readText(path), path);
  const files = [...manifest.shards, ...manifest.fineTune];
  const compared = await compareFiles(root, files);
  await openDelta(root); // after the files, so that every one at fault is named
  const models = (['tuned', 'base'] as const).map((role) => ({ role, digest: manifest.parents[role], layout: null }));
  return { kind: 'delta', operation: 'diff', models, settings: {}, ...compared };
}

async function verifyModel(root: string): Promise<VerifyReport> {
  if (!(await isFile(join(root, PROVENANCE_FILE)))) {
    const message = `${root}: found neither delta.json nor ${PROVENANCE_FILE}, expected one of them, with the digests; only what Regraft made can be verified.`;
    throw new WeightsError('WEIGHTS_FILE_MISSING', message, { folder: root });
  }
  const { files, operation, models, settings } = await readProvenance(root);
  const compared = await compareFiles(root, files);
  await openModel(root);
  return { kind: 'model', operation, models, settings, ...compared };
}

async function compareFiles(
  root: string,
  files: readonly Listed[],
): Promise<{ readonly files: number; readonly sizeBytes: number }> {
  const problems: string[] = [];
  for (const file of files) {
    const problem = await findDifference(root, file);
    if (problem !== null) problems.push(`${file.path}: ${problem}`);
  }
  if (problems.length === 0) {
    return { files: files.length, sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  }
  const message = `${root}: ${problems.join('; ')}; fetch or make it again, and do not use this copy.`;
  throw new WeightsError('WEIGHTS_VERIFY_FAILED', message, { folder: root, problems });
}

async function findDifference(root: string, { path, sizeBytes, sha256 }: Listed): Promise<string | null> {
  const file = join(root, path);
  try {
    const { size } = await stat(file);
    if (size !== sizeBytes) return `found ${String(size)} bytes, expected ${String(sizeBytes)}`;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return 'found no such file';
    throw toWeightsError(error, file);
  }
  const found = await hashFile(file);
  return found === sha256 ? null : `found other bytes than those with sha256 ${String(sha256)}`;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false;
    throw toWeightsError(error, path);
  }
}
