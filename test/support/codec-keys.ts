import { randomBytes } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { temporaryFolder } from './safetensors.ts';

/** A new key as a file of keys has it. */
export function makeKeyLine(id: string): string {
  return `${id} ${randomBytes(32).toString('base64')}`;
}

/** Writes a file that only its owner may read, unless told otherwise. */
export async function writePrivate(name: string, text: string, mode = 0o600, folder?: string): Promise<string> {
  const file = path.join(folder ?? (await temporaryFolder()), name);
  await writeFile(file, text);
  await chmod(file, mode);
  return file;
}

/** A file of codec keys, newest last, that goes when the test is over. */
export async function writeCodecKeys(...lines: readonly string[]): Promise<string> {
  return writePrivate('codec-keys', codecKeys(lines));
}

/** What a file of codec keys says. */
export function codecKeys(lines: readonly string[]): string {
  return `# of a test\n${lines.join('\n')}\n`;
}
