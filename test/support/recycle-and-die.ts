import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sweep, type SweepInput } from '../../weights/index.ts';

// Recycles until the journals of the first output count so many pieces, and every thread has begun its file; then it ends itself without any clean-up ('die'), or
// says so and stands still with the lock in its hand ('hold').
// Usage: recycle-and-die.ts die|hold PIECES INPUT-AS-JSON
const [end = '', pieces = '0', json = '{}'] = process.argv.slice(2);
const input = JSON.parse(json) as SweepInput;
const journals = join(`${input.outputs[0]?.out ?? ''}.partial`, '.regraft-unfinished');

function check(): void {
  const names = namesIn(journals).filter((name) => name.endsWith('.jsonl'));
  if (names.length < (input.threads ?? 1) || piecesIn(names) < Number(pieces)) return;
  if (end === 'die') process.kill(process.pid, 'SIGKILL');
  process.stdout.write('holding\n');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function piecesIn(names: readonly string[]): number {
  return names.reduce((sum, name) => sum + readFileSync(join(journals, name), 'utf8').split('\n').length - 1, 0);
}

/** None before the folder is made. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

setInterval(check, 1); // engine threads report progress too seldom
await sweep({ ...input, onProgress: check });
console.log('finished');
