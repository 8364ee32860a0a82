import { open } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { TrainingStep } from '../../activities/ports.ts';
import { isErrno } from '../store/atomic-file.ts';
import { jsonLines } from './trainer-folder.ts';

const lineSchema = z.object({
  attempt: z.int(),
  step: z.int(),
  lossNats: z.number(),
  learningRate: z.number(),
  gradientNorm: z.number(),
  stepSeconds: z.number(),
  tokensSeen: z.int(),
});

/** Whole lines of metrics.jsonl from an offset on; a line that is still being written waits for the next call. */
export async function readTrainingSteps(
  folder: string,
  offsetBytes: number,
): Promise<{ readonly steps: readonly TrainingStep[]; readonly offsetBytes: number }> {
  const bytes = await readFrom(path.join(folder, 'metrics.jsonl'), offsetBytes);
  const end = bytes.lastIndexOf('\n') + 1;
  const values = jsonLines(bytes.subarray(0, end).toString('utf8'));
  return { steps: values.map((value) => lineSchema.parse(value)), offsetBytes: offsetBytes + end };
}

async function readFrom(file: string, offsetBytes: number): Promise<Buffer> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const bytes = Buffer.alloc(Math.max(size - offsetBytes, 0));
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, offsetBytes);
      return bytes.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return Buffer.alloc(0);
    throw error;
  }
}
