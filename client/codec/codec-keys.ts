import { createSecretKey, type KeyObject } from 'node:crypto';
import { RegraftError } from '../../contracts/error.ts';
import { readPrivateFile } from '../private-file.ts';

const KEY_BYTES = 32;
const BASE64 = /^[A-Za-z0-9+/]{43}=$/;
const ID = /^[A-Za-z0-9][\w.-]{0,63}$/;

/** Keys of the payload codec: any of them decrypts, the newest encrypts. */
export interface CodecKeys {
  readonly newest: string;
  readonly byId: ReadonlyMap<string, KeyObject>;
}

/**
 * Reads a file of keys: a line each, its id and 32 bytes in base64, the newest last; lines that begin with # are for people.
 *
 * @throws RegraftError CODEC_KEYS_UNREADABLE, CODEC_KEYS_EXPOSED; CODEC_KEYS_INVALID with every problem, and no key in it
 */
export async function readCodecKeys(file: string): Promise<CodecKeys> {
  const name = { file, subject: 'The codec keys', namedBy: 'REGRAFT_CODEC_KEYS', code: 'CODEC_KEYS' };
  const lines = (await readPrivateFile(name)).split('\n').map((line) => line.trim());
  const byId = new Map<string, KeyObject>();
  const problems: string[] = [];
  for (const [index, line] of lines.entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const [id = '', key = '', ...more] = line.split(/\s+/);
    const problem = problemOf(id, key, more.length, byId);
    if (problem === null) byId.set(id, createSecretKey(key, 'base64'));
    else problems.push(`line ${String(index + 1)}: ${problem}`);
  }
  const newest = [...byId.keys()].at(-1);
  if (newest === undefined && problems.length === 0) problems.push('there is no key in it');
  if (newest !== undefined && problems.length === 0) return { newest, byId };
  const todo = 'write a line for each key, `ID BASE64`, with `openssl rand -base64 32` for the second word';
  throw new RegraftError(
    'CODEC_KEYS_INVALID',
    `The codec keys in ${file} are invalid: ${problems.join('; ')}; ${todo}.`,
    {
      details: { file, problems },
    },
  );
}

/** Never names the key: what it says goes to terminals and logs. */
function problemOf(id: string, key: string, more: number, known: ReadonlyMap<string, KeyObject>): string | null {
  if (key === '' || more > 0) return `found ${String(key === '' ? 1 : 2 + more)} words, expected an id and a key`;
  if (!ID.test(id)) return 'the id has other characters than letters, digits, dots, dashes and underscores';
  if (known.has(id)) return `the id ${id} is there twice`;
  if (!BASE64.test(key)) return `the key ${id} is not ${String(KEY_BYTES)} bytes in base64`;
  return null;
}
