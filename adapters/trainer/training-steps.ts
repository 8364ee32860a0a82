import { open } from 'node:fs/promises';
import path from 'node:path';
import { trainingStepSchema, type TrainingStep } from '../../contracts/training-step.schema.ts';
import { RegraftError } from '../../contracts/error.ts';
import { isErrno } from '../store/atomic-file.ts';
import { jsonLines } from './trainer-folder.ts';

/** Whole lines of metrics.jsonl from an offset on; a line that is still being written waits for the next call. */
export async function readTrainingSteps(
  folder: string,
  offsetBytes: number,
): Promise<{ readonly steps: readonly TrainingStep[]; readonly offsetBytes: number }> {
  const bytes = await readFrom(path.join(folder, 'metrics.jsonl'), offsetBytes);
  const end = bytes.lastIndexOf('\n') + 1;
  const values = jsonLines(bytes.subarray(0, end).toString('utf8'));
  return { steps: values.map((value) => stepOf(value, folder)), offsetBytes: offsetBytes + end };
}

function stepOf(value: unknown, folder: string): TrainingStep {
  const parsed = trainingStepSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new RegraftError(
    'TRAINER_METRICS_INVALID',
    `${path.join(folder, 'metrics.jsonl')} has the line ${JSON.stringify(value).slice(0, 120)}, in which ${issue?.path.join('.') ?? ''} is wrong (${issue?.message ?? ''}); docs/trainer-contract.md says what a line holds.`,
  );
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
