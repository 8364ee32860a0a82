import { open, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { WeightsError } from '../errors.ts';
import type { SafetensorsHeader } from '../plan/model.ts';
import { MAX_HEADER_BYTES, parseHeader } from '../plan/parse-header.ts';
import { looksLikePickle, pickleRefused } from '../plan/pickle.ts';
import { toWeightsError } from './fs-error.ts';

/**
 * Reads and checks the header of one safetensors file; reads no data. The announced length is checked against 100 MB and
 * against the file before memory is spent on it.
 * Errors: WEIGHTS_PICKLE_REFUSED, WEIGHTS_HEADER_TOO_LARGE, WEIGHTS_HEADER_INVALID, WEIGHTS_TENSOR_BOUNDS,
 * WEIGHTS_DTYPE_UNSUPPORTED, WEIGHTS_FILE_MISSING, WEIGHTS_IO_FAILED.
 */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  const absolute = resolve(path);
  const { json, fileBytes } = await withHeader(absolute);
  return parseHeader(json.subarray(8), { path: absolute, bytes: fileBytes });
}

/** As readSafetensorsHeader, with the bytes exactly as stored: length, header and padding. */
export async function readHeader(
  path: string,
): Promise<SafetensorsHeader & { readonly bytes: Uint8Array<ArrayBuffer> }> {
  const { json, fileBytes } = await withHeader(path);
  return { ...parseHeader(json.subarray(8), { path, bytes: fileBytes }), bytes: json };
}

async function withHeader(path: string): Promise<{ json: Uint8Array<ArrayBuffer>; fileBytes: number }> {
  try {
    await using file = await open(path, 'r');
    const { size: fileBytes } = await file.stat();
    const headerBytes = await headerLength(file, path, fileBytes);
    const json = new Uint8Array(8 + headerBytes);
    const { bytesRead } = await file.read(json, 0, json.byteLength, 0);
    if (bytesRead !== json.byteLength) throw truncated(path, fileBytes, 8 + headerBytes);
    return { json, fileBytes };
  } catch (error) {
    throw toWeightsError(error, path);
  }
}

async function headerLength(file: FileHandle, path: string, fileBytes: number): Promise<number> {
  const start = new Uint8Array(9); // the length, and the brace that follows it
  const { bytesRead } = await file.read(start, 0, start.byteLength, 0);
  if (looksLikePickle(start.subarray(0, bytesRead))) throw pickleRefused(path, 'a pickle');
  if (bytesRead < 8) throw truncated(path, fileBytes, 8);
  const length = new DataView(start.buffer).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    const message = `${path}: the header announces ${String(length)} bytes, at most ${String(MAX_HEADER_BYTES)} are read; this is not a safetensors file.`;
    throw new WeightsError('WEIGHTS_HEADER_TOO_LARGE', message, { path, headerBytes: String(length) });
  }
  if (8 + Number(length) > fileBytes) throw truncated(path, fileBytes, 8 + Number(length));
  return Number(length);
}

function truncated(path: string, fileBytes: number, expectedBytes: number): WeightsError {
  const message = `${path}: found ${String(fileBytes)} bytes, expected at least ${String(expectedBytes)} for the header; fetch the file again.`;
  return new WeightsError('WEIGHTS_HEADER_INVALID', message, { path, fileBytes, expectedBytes });
}
