import { open } from 'node:fs/promises';
import { messageOf, RegraftError } from '../contracts/error.ts';

/** More than any list of keys or secrets needs. */
const MOST_BYTES = 1_048_576;

/** What a file with something secret in it is called in sentences and in codes. */
export interface PrivateFile {
  readonly file: string;
  /** e.g. "The codec keys" */
  readonly subject: string;
  /** Who named the file, e.g. REGRAFT_CODEC_KEYS. */
  readonly namedBy: string;
  /** Prefix of the codes. */
  readonly code: string;
}

/**
 * The text of a file that only its owner may read.
 * @throws RegraftError `<code>_UNREADABLE`; `<code>_EXPOSED` when its group or others have any right to it
 */
export async function readPrivateFile({ file, subject, namedBy, code }: PrivateFile): Promise<string> {
  const subjectOf = `${subject} in ${file} (named by ${namedBy})`;
  let handle;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    const why = `${subjectOf} cannot be read: ${messageOf(error)}; name a file that this user can read.`;
    throw new RegraftError(`${code}_UNREADABLE`, why, { cause: error });
  }
  try {
    // Asked of the opened file: another could be in its place a moment later.
    const { mode, size } = await handle.stat();
    if ((mode & 0o077) !== 0) {
      const rights = (mode & 0o777).toString(8).padStart(4, '0');
      const why = `${subjectOf} can be used by others: its mode is ${rights}, expected 0600; run \`chmod 600 ${file}\`.`;
      throw new RegraftError(`${code}_EXPOSED`, why, { details: { file, mode: rights } });
    }
    if (size <= MOST_BYTES) return await handle.readFile('utf8');
    const why = `${subjectOf} has ${String(size)} bytes, expected at most ${String(MOST_BYTES)}; name the right file.`;
    throw new RegraftError(`${code}_UNREADABLE`, why);
  } finally {
    await handle.close();
  }
}
