import { isDtype, packedBytes, type Dtype } from '../dtype.ts';
import { WeightsError } from '../errors.ts';
import { findDuplicateKeys } from './find-duplicate-keys.ts';
import { isRecord } from './is-record.ts';
import type { SafetensorsHeader, TensorEntry } from './model.ts';
import { nestingDepth } from './nesting-depth.ts';

/** The longest header that is read, as the reference implementation has it. */
export const MAX_HEADER_BYTES = 100_000_000;
/** A header has lists within objects within an object. */
const MAX_DEPTH = 3;

/**
 * Checks the JSON header of a safetensors file in full: UTF-8, an object, no name twice, known dtypes, shape · dtype =
 * bytes, and data that begins at 0, has no hole and no overlap and ends with the file.
 *
 * Errors: WEIGHTS_HEADER_INVALID, WEIGHTS_DTYPE_UNSUPPORTED (a dtype that the format does not name),
 * WEIGHTS_TENSOR_BOUNDS; each lists every tensor at fault in `details.problems`.
 */
export function parseHeader(
  json: Uint8Array,
  file: { readonly path: string; readonly bytes: number },
): SafetensorsHeader {
  const header = parseJson(json, file.path);
  const dataStart = 8 + json.byteLength;
  const metadata = parseMetadata(header['__metadata__'], file.path);
  const parsed = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, info]) => parseTensor(name, info));
  failOn(
    file.path,
    'WEIGHTS_HEADER_INVALID',
    parsed.flatMap((one) => (one.kind === 'malformed' ? [one.why] : [])),
  );
  failOn(
    file.path,
    'WEIGHTS_DTYPE_UNSUPPORTED',
    parsed.flatMap((one) => (one.kind === 'dtype' ? [one.why] : [])),
  );
  const tensors = parsed.flatMap((one) => (one.kind === 'tensor' ? [one] : []));
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  failOn(file.path, 'WEIGHTS_TENSOR_BOUNDS', boundsProblems(tensors, file.bytes - dataStart));
  return {
    path: file.path,
    fileBytes: file.bytes,
    headerBytes: json.byteLength,
    metadata,
    tensors: tensors.map(({ name, dtype, shape, begin, end }): TensorEntry => ({
      name,
      dtype,
      shape,
      path: file.path,
      offsetBytes: dataStart + begin,
      sizeBytes: end - begin,
    })),
  };
}

interface ParsedTensor {
  readonly kind: 'tensor';
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function parseJson(json: Uint8Array, path: string): Readonly<Record<string, unknown>> {
  const invalid = (why: string, cause?: unknown): WeightsError =>
    new WeightsError(
      'WEIGHTS_HEADER_INVALID',
      `${path}: the header ${why}; fetch the file again.`,
      { path },
      { cause },
    );
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
  } catch (cause) {
    throw invalid('is not UTF-8 JSON', cause);
  }
  if (nestingDepth(text, MAX_DEPTH) > MAX_DEPTH) throw invalid('nests deeper than any header does');
  try {
    header = JSON.parse(text);
  } catch (cause) {
    throw invalid('is not UTF-8 JSON', cause);
  }
  if (!text.startsWith('{') || !isRecord(header)) throw invalid('does not begin with a JSON object');
  const duplicates = findDuplicateKeys(text);
  if (duplicates.length > 0) throw invalid(`names ${duplicates.slice(0, 5).join(', ')} more than once`);
  return header;
}

function parseMetadata(value: unknown, path: string): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  const entries = isRecord(value) ? Object.entries(value) : null;
  const texts = entries?.flatMap(([key, text]): [string, string][] => (typeof text === 'string' ? [[key, text]] : []));
  if (texts === undefined || texts.length !== entries?.length) {
    const message = `${path}: __metadata__ is not an object of strings; write the file again.`;
    throw new WeightsError('WEIGHTS_HEADER_INVALID', message, { path });
  }
  return Object.fromEntries(texts);
}

type Malformed = { readonly kind: 'malformed' | 'dtype'; readonly why: string };

function parseTensor(name: string, info: unknown): ParsedTensor | Malformed {
  const malformed = (why: string): Malformed => ({ kind: 'malformed', why: `tensor \`${name}\` ${why}` });
  if (!isRecord(info)) return malformed('is not described by an object');
  const unknown = Object.keys(info).filter((key) => !['dtype', 'shape', 'data_offsets'].includes(key));
  if (unknown.length > 0) return malformed(`has the unknown field ${unknown.join(', ')}`);
  const { dtype, shape, data_offsets: offsets } = info;
  if (!isDtype(dtype))
    return { kind: 'dtype', why: `tensor \`${name}\` has the unknown dtype ${JSON.stringify(dtype)}` };
  if (!isSizes(shape)) return malformed('has a shape that is not a list of whole numbers');
  if (!isSizes(offsets) || offsets.length !== 2) return malformed('has data_offsets that are not two whole numbers');
  const [begin = 0, end = 0] = offsets;
  return { kind: 'tensor', name, dtype, shape, begin, end };
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function boundsProblems(sorted: readonly ParsedTensor[], dataBytes: number): readonly string[] {
  const problems: string[] = [];
  let reached = 0;
  for (const { name, dtype, shape, begin, end } of sorted) {
    const subject = `tensor \`${name}\``;
    const expected = expectedBytes(dtype, shape);
    if (end - begin !== expected) {
      problems.push(
        `${subject} holds ${String(end - begin)} bytes, ${dtype} [${shape.join(', ')}] takes ${String(expected)}`,
      );
    }
    if (begin > reached) problems.push(`${subject} leaves a hole of ${String(begin - reached)} bytes before it`);
    if (begin < reached) problems.push(`${subject} overlaps the tensor before it by ${String(reached - begin)} bytes`);
    reached = Math.max(reached, end);
  }
  if (reached !== dataBytes)
    problems.push(`the tensors end at byte ${String(reached)} of ${String(dataBytes)} data bytes`);
  return problems;
}

/** Checked step by step: a product beyond 2^53 must not come out as some size that fits; NaN equals no size. */
function expectedBytes(dtype: Dtype, shape: readonly number[]): number {
  if (shape.includes(0)) return 0;
  let count = 1;
  for (const length of shape) {
    count *= length;
    if (!Number.isSafeInteger(count)) return Number.NaN;
  }
  return packedBytes(dtype, count) ?? Number.NaN;
}

function failOn(
  path: string,
  code: 'WEIGHTS_HEADER_INVALID' | 'WEIGHTS_DTYPE_UNSUPPORTED' | 'WEIGHTS_TENSOR_BOUNDS',
  problems: readonly string[],
): void {
  if (problems.length === 0) return;
  const more = problems.length > 5 ? ` and ${String(problems.length - 5)} more` : '';
  const message = `${path}: ${problems.slice(0, 5).join('; ')}${more}; the file is damaged or hostile, fetch it again.`;
  throw new WeightsError(code, message, { path, problems });
}
