import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { isErrno } from '../store/atomic-file.ts';

/** Files of a training folder that the launcher and the supervisor share (docs/trainer-contract.md). */
export const identitySchema = z.object({
  pid: z.int(),
  startTicks: z.int(),
  bootId: z.string(),
  token: z.string(),
});
export const exitSchema = z.object({ token: z.string(), exitCode: z.int() });
export const errorSchema = z.looseObject({ code: z.string(), message: z.string() });

/** Reads and checks a small JSON file of a training folder; null when it is not there. */
export async function readSmall<Value>(folder: string, name: string, schema: z.ZodType<Value>): Promise<Value | null> {
  const text = await readText(path.join(folder, name));
  return text === null ? null : schema.parse(JSON.parse(text));
}

/** The values of a file of JSON lines; a line that is none is skipped: a killed machine can leave a torn one. */
export function jsonLines(text: string): readonly unknown[] {
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as unknown];
    } catch {
      return [];
    }
  });
}

/** A text file's content; null when it is not there. */
export async function readText(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
}
