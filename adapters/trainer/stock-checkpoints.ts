import { randomBytes } from 'node:crypto';
import { copyFile, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { isCodedError } from '../../contracts/error.ts';
import { openModel } from '../../weights/index.ts';
import { isErrno, writeFileAtomic } from '../store/atomic-file.ts';
import { sha256OfFile } from '../store/fs-blobs.ts';
import { listCheckpoints } from './checkpoint-folders.ts';
import { appendStockCurve, readStockState, STOCK_STATE } from './stock-curve.ts';
import { readSmall } from './trainer-folder.ts';

export interface SealReport {
  /** Steps whose checkpoint got its marker now; ascending. */
  readonly sealed: readonly number[];
  /** Checkpoints without a marker that got none. The newest may be one that its trainer still writes. */
  readonly rejected: readonly { readonly step: number; readonly why: string }[];
}

/**
 * Gives the whole checkpoints of a stock transformers Trainer the COMPLETE marker that it does not write, and adds the
 * steps it logged to metrics.jsonl, so that from then on they are like any other trainer's. What the trainer saved of
 * the tokenizer it was not given comes from `modelFolder`, the start model. `attempt` must be the one of job.json: what
 * another attempt wrote is left alone.
 *
 * A checkpoint with a marker is not looked at, so a second call changes nothing; one that goes away meanwhile (the
 * trainer's save_total_limit) is in neither list. Reads every byte of what it seals.
 */
export async function sealStockCheckpoints(folder: string, attempt: number, modelFolder: string): Promise<SealReport> {
  const job = await readSmall(folder, 'job.json', jobSchema);
  if (job !== null && job.attempt !== attempt) return { sealed: [], rejected: [] };
  const resumedAt = Number(/-([0-9]+)$/.exec(job?.resumeFrom ?? '')?.[1] ?? 0);
  const sealed: number[] = [];
  const rejected: { step: number; why: string }[] = [];
  for (const { step } of (await listCheckpoints(folder)).rejected) {
    const checkpoint = path.join(folder, 'checkpoints', `checkpoint-${String(step)}`);
    if (await isThere(path.join(checkpoint, MARKER))) continue;
    const end = await seal({ folder, checkpoint, step, attempt, resumedAt, modelFolder });
    if (end.kind === 'sealed') sealed.push(step);
    if (end.kind === 'rejected') rejected.push({ step, why: end.why });
  }
  return { sealed, rejected };
}

const MARKER = 'COMPLETE';
const jobSchema = z.looseObject({ attempt: z.int(), resumeFrom: z.string().nullable() });

interface Candidate {
  readonly folder: string;
  readonly checkpoint: string;
  readonly step: number;
  readonly attempt: number;
  /** Step of the checkpoint that the attempt went on from; 0: the start model. */
  readonly resumedAt: number;
  readonly modelFolder: string;
}

type Sealing = { readonly kind: 'sealed' | 'gone' } | { readonly kind: 'rejected'; readonly why: string };

const rejection = (why: string): Sealing => ({ kind: 'rejected', why });

async function seal(candidate: Candidate): Promise<Sealing> {
  try {
    return await sealIfWhole(candidate);
  } catch (error) {
    if (!(await isThere(candidate.checkpoint))) return { kind: 'gone' };
    if (isErrno(error, 'ENOENT')) return rejection('a file of it went away while it was read');
    throw error;
  }
}

async function sealIfWhole(candidate: Candidate): Promise<Sealing> {
  const { folder, checkpoint, step, attempt, resumedAt, modelFolder } = candidate;
  if (step <= resumedAt) return rejection(notBeyond(candidate));
  const before = await filesOf(checkpoint);
  const lacks = whatItLacks(before, step);
  if (lacks !== null) return rejection(lacks);
  const state = await readStockState(checkpoint);
  if (typeof state === 'string') return rejection(state);
  if (state.globalStep !== step) return rejection(`${STOCK_STATE} is of step ${String(state.globalStep)}`);
  const unreadable = await whyNoModel(checkpoint);
  if (unreadable !== null) return rejection(unreadable);

  const files: Record<string, MarkedFile> = {};
  for (const [name, { size }] of before) {
    files[name] = { sizeBytes: Number(size), sha256: await sha256OfFile(path.join(checkpoint, name)) };
  }
  const after = await filesOf(checkpoint);
  const changed = [...new Set([...before.keys(), ...after.keys()])].find(
    (name) => !isSame(before.get(name), after.get(name)),
  );
  if (changed !== undefined) return rejection(`${changed} changed while it was read, so its trainer is still at work`);

  const { atime, mtime } = await stat(checkpoint);
  for (const name of await namesToCarry(before, modelFolder)) {
    files[name] = await carry(path.join(modelFolder, name), checkpoint, name);
  }
  await appendStockCurve(folder, attempt, resumedAt, state);
  const marker = { schema: 'regraft.checkpoint/1', step, attempt, files };
  await place(checkpoint, MARKER, (file) => writeFileAtomic(file, JSON.stringify(marker, null, 2)));
  await utimes(checkpoint, atime, mtime); // transformers removes the oldest checkpoint by the folder's time
  return { kind: 'sealed' };
}

function notBeyond({ attempt, resumedAt }: Candidate): string {
  return (
    `it is not beyond step ${String(resumedAt)}, where attempt ${String(attempt)} was to go on: ` +
    'an earlier attempt left it, or the program started anew; let it resume from {resume}'
  );
}

interface MarkedFile {
  readonly sizeBytes: number;
  readonly sha256: string;
}

interface FileStamp {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ino: bigint;
}

/** The files of a checkpoint by relative path, sorted; no links, no marker. */
async function filesOf(checkpoint: string): Promise<ReadonlyMap<string, FileStamp>> {
  const entries = await readdir(checkpoint, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(checkpoint, path.join(entry.parentPath, entry.name)))
    .filter((name) => name !== MARKER)
    .sort();
  const files = new Map<string, FileStamp>();
  for (const name of names) {
    const { size, mtimeNs, ino } = await stat(path.join(checkpoint, name), { bigint: true });
    files.set(name, { size, mtimeNs, ino });
  }
  return files;
}

function isSame(left: FileStamp | undefined, right: FileStamp | undefined): boolean {
  return left?.size === right?.size && left?.mtimeNs === right?.mtimeNs && left?.ino === right?.ino;
}

/** What names and sizes already tell. An empty file counts as none: a full disk leaves such. */
function whatItLacks(files: ReadonlyMap<string, FileStamp>, step: number): string | null {
  const names = [...files].flatMap(([name, { size }]) => (size > 0n ? [name] : []));
  const has = (pattern: RegExp): boolean => names.some((name) => pattern.test(name));
  const deepSpeed = has(new RegExp(`^global_step${String(step)}/`));
  const missing = [
    ...(has(/^config\.json$/) ? [] : ['config.json']),
    ...(has(/^model\.safetensors(\.index\.json)?$/) ? [] : ['safetensors weights (model.safetensors)']),
    ...(deepSpeed || has(/^optimizer(\.pt$|\.bin$|_[0-9]+\/)/) ? [] : ['optimizer state (optimizer.pt)']),
    ...(deepSpeed || has(/^scheduler\.pt$/) ? [] : ['scheduler state (scheduler.pt)']),
    ...(has(/^rng_state(_[0-9]+)?\.pth$/) ? [] : ['random-number state (rng_state.pth)']),
    ...(has(/^trainer_state\.json$/) ? [] : [`step and data position (${STOCK_STATE})`]),
  ];
  if (missing.length > 0) return `it has no ${missing.join(', no ')}${adviceFor(has)}`;
  const ranks = names.flatMap((name) => /^rng_state_([0-9]+)\.pth$/.exec(name)?.[1] ?? []).map(Number);
  const absent = Array.from({ length: Math.max(-1, ...ranks) + 1 }, (_, rank) => rank).find((r) => !ranks.includes(r));
  return absent === undefined ? null : `it has no random-number state of process ${String(absent)}`;
}

/** What to change in the trainer, as far as the files tell; nothing when it may just not have finished. */
function adviceFor(has: (pattern: RegExp) => boolean): string {
  if (has(/^adapter_model\.safetensors$/)) return ': an adapter alone is no model; save the merged weights';
  if (has(/^pytorch_model.*\.bin$/)) return ': pickled weights are never loaded; save as safetensors';
  if (has(/^trainer_state\.json$/)) return ': it is no place to resume from; turn save_only_model off';
  return '';
}

/** Null when config, index and shards are there and every header says exactly its file's size. */
async function whyNoModel(checkpoint: string): Promise<string | null> {
  try {
    await openModel(checkpoint);
    return null;
  } catch (error) {
    if (!isCodedError(error) || error.code === 'WEIGHTS_IO_FAILED' || !(await isThere(checkpoint))) throw error;
    return error.message;
  }
}

/** The tokenizer is carried whole or not at all: the trainer's own may have other tokens. tokenizer.json comes last. */
const TOKENIZER_FILES = [
  ...['special_tokens_map.json', 'added_tokens.json', 'tokenizer.model', 'vocab.json', 'vocab.txt', 'merges.txt'],
  ...['chat_template.jinja', 'chat_template.json', 'tokenizer_config.json', 'tokenizer.json'],
];

async function namesToCarry(files: ReadonlyMap<string, FileStamp>, modelFolder: string): Promise<readonly string[]> {
  const wanted = ['generation_config.json', ...(files.has('tokenizer.json') ? [] : TOKENIZER_FILES)];
  const carried: string[] = [];
  for (const name of wanted) {
    if (!files.has(name) && (await isThere(path.join(modelFolder, name)))) carried.push(name);
  }
  return carried;
}

async function carry(source: string, checkpoint: string, name: string): Promise<MarkedFile> {
  await place(checkpoint, name, (file) => copyFile(source, file));
  const { size: sizeBytes } = await stat(source);
  return { sizeBytes, sha256: await sha256OfFile(source) };
}

/** Puts a file into a checkpoint whole or not at all; never makes anew a folder that its trainer has removed. */
async function place(checkpoint: string, name: string, write: (file: string) => Promise<void>): Promise<void> {
  const partial = path.join(path.dirname(checkpoint), `.sealing-${randomBytes(6).toString('hex')}`);
  try {
    await write(partial);
    await rename(partial, path.join(checkpoint, name));
  } finally {
    await rm(partial, { force: true });
  }
}

async function isThere(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}
