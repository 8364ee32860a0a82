import { open, type FileHandle } from 'node:fs/promises';
import { FLOAT_BYTES, isFloatDtype } from '../dtype.ts';
import { WeightsError } from '../errors.ts';
import { decodeInto } from '../ops/decode-kernel.ts';
import { elementCount, type TensorEntry } from '../plan/model.ts';
import { toWeightsError } from './fs-error.ts';

/** How a fine-tune lies beside a model, by a sample of the weights of both. */
export interface Kinship {
  /** ‖tuned − model‖ / ‖model‖ */
  readonly distance: number;
  readonly cosine: number;
}

type Tensors = ReadonlyMap<string, TensorEntry>;

const STRETCHES = 4;
const STRETCH = 2048;
/** Unrelated weights lie at a distance of √2 and at right angles; a fine-tune at a small fraction, and almost parallel. */
const FAR = { distance: 1, cosine: 0.3 };

/**
 * Refuses a base that cannot be the parent of `tuned`, before anything is written: their matrices are compared in a few
 * stretches each. A target that is nearer is named, because then the two were swapped, most likely. Nothing is decided where
 * the models have no matrices. Error: WEIGHTS_WRONG_BASE; those of reading.
 */
export async function assertParent(tuned: Tensors, base: Tensors, target: Tensors | null): Promise<void> {
  const kinship = await measureKinship(tuned, base);
  if (kinship === null || kinship.distance <= FAR.distance || kinship.cosine >= FAR.cosine) return;
  const other = target === null ? null : await measureKinship(tuned, target);
  const hint =
    other !== null && other.distance < kinship.distance / 2
      ? `it lies nearer to target (${other.distance.toFixed(2)}): were base and target swapped?`
      : 'is this the model that it was trained from?';
  const message = `wrong base: ‖tuned − base‖ is ${kinship.distance.toFixed(2)} times ‖base‖ with a cosine of ${kinship.cosine.toFixed(2)}, expected a fraction of it; ${hint} If it is meant, allow a distant base.`;
  throw new WeightsError('WEIGHTS_WRONG_BASE', message, { ...kinship });
}

/** How far rounding to another dtype may move a copy. */
const COPY_DISTANCE = 0.02;

/**
 * Refuses a base that differs from the copies of its tensors that an adapter carries. Nothing is decided without copies.
 * Error: WEIGHTS_WRONG_BASE; those of reading.
 */
export async function assertSameCopies(copies: Tensors, base: Tensors): Promise<void> {
  const kinship = await measureKinship(copies, base);
  if (kinship === null || kinship.distance <= COPY_DISTANCE) return;
  const message = `wrong base: the adapter's copy of \`${[...copies.keys()].join('`, `')}\` lies ${kinship.distance.toFixed(2)} times ‖base‖ away from it, expected the same values; use the model that it was trained on, or allow a distant base.`;
  throw new WeightsError('WEIGHTS_WRONG_BASE', message, { ...kinship });
}

/** Null where the two share no matrix of a dtype that can be read. */
async function measureKinship(tuned: Tensors, model: Tensors): Promise<Kinship | null> {
  const sums = { difference: 0, model: 0, tuned: 0, dot: 0 };
  await using files = new OpenFiles();
  for (const [name, one] of tuned) {
    const other = model.get(name);
    if (other === undefined || one.shape.length < 2 || one.shape.join() !== other.shape.join()) continue;
    const [a, b] = await Promise.all([sample(one, files), sample(other, files)]);
    if (a === null || b === null) continue;
    for (let index = 0; index < a.length; index++) {
      const value = a[index] ?? 0;
      const reference = b[index] ?? 0;
      sums.difference += (value - reference) ** 2;
      sums.model += reference * reference;
      sums.tuned += value * value;
      sums.dot += value * reference;
    }
  }
  const distance = Math.sqrt(sums.difference) / Math.sqrt(sums.model);
  const cosine = sums.dot / (Math.sqrt(sums.tuned) * Math.sqrt(sums.model));
  return Number.isFinite(distance) && Number.isFinite(cosine) ? { distance, cosine } : null;
}

/** A few stretches of a tensor, evenly spread; all of a small one. Null for a dtype that is not a float's. */
async function sample(
  { path, dtype, shape, offsetBytes }: TensorEntry,
  files: OpenFiles,
): Promise<Float64Array | null> {
  if (!isFloatDtype(dtype)) return null;
  const count = elementCount(shape);
  const stretch = Math.min(STRETCH, Math.ceil(count / STRETCHES));
  const stretches = Math.min(STRETCHES, Math.ceil(count / Math.max(stretch, 1)));
  const wide = FLOAT_BYTES[dtype];
  const bytes = new Uint8Array(stretches * stretch * wide);
  const readStretch = async (index: number): Promise<void> => {
    const first = stretches === 1 ? 0 : Math.floor(((count - stretch) * index) / (stretches - 1));
    const file = await files.open(path);
    await file.read(bytes, index * stretch * wide, stretch * wide, offsetBytes + first * wide);
  };
  try {
    await Promise.all(Array.from({ length: stretches }, (_, index) => readStretch(index)));
  } catch (error) {
    throw toWeightsError(error, path);
  }
  const values = new Float64Array(stretches * stretch);
  decodeInto(dtype, bytes, values.length, values);
  return values;
}

/** Files that many tensors are read from, each opened once. */
class OpenFiles {
  readonly #files = new Map<string, Promise<FileHandle>>();

  async open(path: string): Promise<FileHandle> {
    const file = this.#files.get(path) ?? open(path, 'r');
    this.#files.set(path, file);
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await Promise.allSettled(this.#files.values());
    await Promise.all(opened.map(async (file) => (file.status === 'fulfilled' ? file.value.close() : undefined)));
  }
}
