import { readFile } from 'node:fs/promises';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Reads a file with one JSON object; `whenAbsent` is what a file that is not there means. @throws Error naming the file */
export async function readJsonObject(file: string, whenAbsent?: JsonObject): Promise<JsonObject> {
  const text = await readIfThere(file, whenAbsent !== undefined);
  if (text === null) return whenAbsent ?? {};
  const value: unknown = JSON.parse(text);
  if (isJsonObject(value)) return value;
  throw new TypeError(`${file} is not a JSON object`);
}

/** A text file's content; null where it is not there and may be absent. */
export async function readIfThere(file: string, mayBeAbsent = true): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (mayBeAbsent && error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
