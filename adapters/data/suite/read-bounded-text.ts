import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../../../contracts/error.ts';
import { isErrno } from '../../store/atomic-file.ts';
import type { SuiteProblems } from './suite-problems.ts';

/** Largest file of a suite: more would not fit beside the model that is to be scored. */
const MOST_BYTES = 256 * 2 ** 20;

/** A suite's file as text, without a byte order mark. @throws SUITE_INVALID */
export async function readBoundedText(file: string, problems: SuiteProblems): Promise<string> {
  const name = path.basename(file);
  let bytes: Uint8Array;
  try {
    const { size } = await stat(file);
    if (size > MOST_BYTES) {
      return problems.fail(
        name,
        `it has ${String(size)} bytes, expected at most ${String(MOST_BYTES)}; split the suite`,
      );
    }
    bytes = await readFile(file);
  } catch (error) {
    if (isErrno(error, 'ENOENT'))
      return problems.fail(name, `there is no such file in ${path.dirname(file)}; put it there`);
    if (isErrno(error, 'EISDIR')) return problems.fail(name, 'it is a folder, expected a file');
    throw error;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    return problems.fail(name, `it is no UTF-8 text (${messageOf(error)}); save it as UTF-8`);
  }
}
