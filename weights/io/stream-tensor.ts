import { FLOAT_BYTES, isFloatDtype, type FloatDtype } from '../dtype.ts';
import { WeightsError } from '../errors.ts';
import { decodeInto } from '../ops/decode-kernel.ts';
import { encodeInto } from '../ops/encode-kernel.ts';
import type { TensorEntry } from '../plan/model.ts';
import type { Write } from './staged-folder.ts';
import type { TensorReader } from './tensor-reader.ts';
import { throwIfAborted } from './throw-if-aborted.ts';

/** How far long work has come. */
export interface Progress {
  readonly parametersDone: number;
  readonly parametersTotal: number;
  /** The tensor that is being written. */
  readonly tensor: string;
}

/** One output tensor: what it is called and made of. All sources have `count` elements. */
export interface TensorJob {
  readonly name: string;
  readonly dtype: FloatDtype;
  readonly count: number;
  readonly sources: readonly TensorEntry[];
}

/** Replaces the first `count` values of operands[0] by the result; all operands are scratch. */
export type Combine = (operands: readonly Float64Array[], count: number, job: TensorJob) => void;

/** What the tensors of one output share. */
export interface StreamContext {
  readonly scratch: Scratch;
  readonly reader: TensorReader;
  readonly combine: Combine;
  readonly report: (tensor: string, parameters: number) => void;
  readonly signal: AbortSignal | undefined;
}

/** Buffers that every tensor of an output is streamed through; their size is the piece's. */
export interface Scratch {
  readonly piece: number;
  readonly operands: readonly Float64Array[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Float64 values held at a time by all operands together: 8 MiB, whatever the size of the model. */
const VALUES_HELD = 1 << 20;

/** Buffers for `jobs`: as many operands as the one with most has, pieces no longer than the longest. */
export function createScratch(jobs: readonly TensorJob[]): Scratch {
  const operands = jobs.reduce((most, { sources }) => Math.max(most, sources.length), 1);
  const longest = jobs.reduce((most, { count }) => Math.max(most, count), 1);
  const piece = Math.min(longest, Math.max(1, Math.floor(VALUES_HELD / operands)));
  return {
    piece,
    operands: Array.from({ length: operands }, () => new Float64Array(piece)),
    bytes: new Uint8Array(piece * 8),
  };
}

/**
 * Computes one tensor in pieces: read, widen to float64, combine, round once, write. Each value depends on its own
 * operands alone, so the size of pieces changes no byte. Every piece awaits its reads and its write, so the event loop goes on.
 * Returns how many written values are not finite. Errors: WEIGHTS_ABORTED, and those of reading and writing.
 */
export async function streamTensor(job: TensorJob, write: Write, context: StreamContext): Promise<number> {
  const { reader, combine, report, signal } = context;
  const { piece, operands: held, bytes: buffer } = context.scratch;
  const operands = held.slice(0, job.sources.length);
  let nonFinite = 0;
  for (let start = 0; start < job.count; start += piece) {
    throwIfAborted(signal);
    const count = Math.min(piece, job.count - start);
    for (const [i, source] of job.sources.entries()) {
      const dtype = floatDtype(source);
      const bytes = buffer.subarray(0, count * FLOAT_BYTES[dtype]);
      await reader.read(source, start * FLOAT_BYTES[dtype], bytes);
      const operand = operands[i];
      if (operand !== undefined) decodeInto(dtype, bytes, count, operand);
    }
    combine(operands, count, job);
    const [result] = operands;
    if (result !== undefined) nonFinite += encodeInto(job.dtype, result, count, buffer);
    await write(buffer.subarray(0, count * FLOAT_BYTES[job.dtype]));
    report(job.name, count);
  }
  return nonFinite;
}

/** Narrows a dtype that the plan has already checked. Error: WEIGHTS_DTYPE_UNSUPPORTED. */
export function floatDtype({ name, dtype }: Pick<TensorEntry, 'name' | 'dtype'>): FloatDtype {
  if (isFloatDtype(dtype)) return dtype;
  const message = `tensor \`${name}\`: found ${dtype}, expected BF16, F16, F32 or F64; use the checkpoint from before quantisation.`;
  throw new WeightsError('WEIGHTS_DTYPE_UNSUPPORTED', message, { tensor: name, dtype });
}
