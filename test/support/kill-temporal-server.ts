import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { SERVER_FILE } from '../../client/connection.ts';

const serverSchema = z.object({ pid: z.int() });

/** Ends the Temporal server of a home in the hardest way: it is signalled, not waited for. One that is gone: throws ESRCH. */
export async function killTemporalServer(home: string): Promise<void> {
  const { pid } = serverSchema.parse(JSON.parse(await readFile(path.join(home, SERVER_FILE), 'utf8')));
  process.kill(pid, 'SIGKILL');
}
