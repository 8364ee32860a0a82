/**
 * Lives the main paths of the workflows on a real server and keeps their histories in test/histories/, where
 * test/workflows/replay.test.ts replays them against today's code. A history that is kept stays as it is, for runs of its
 * time may still be in flight; with --replace all are written anew.
 *
 *     node --import tsx scripts/record-histories.ts [--replace]
 */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { HISTORIES } from '../test/support/histories.ts';
import { recordHistories } from '../test/support/record-histories.ts';

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.filter((argument) => argument !== '--replace');
  if (unknown.length > 0) {
    console.error(`record-histories: unknown argument ${unknown.join(' ')}, expected --replace or nothing.`);
    return 2;
  }
  await mkdir(HISTORIES, { recursive: true });
  for (const [name, json] of await recordHistories()) {
    const file = path.join(HISTORIES, `${name}.json`);
    const isKept = existsSync(file) && !args.includes('--replace');
    if (!isKept) await writeFile(file, json);
    console.log(`test/histories/${name}.json: ${isKept ? 'kept' : `written, ${String(json.length)} bytes`}`);
  }
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
