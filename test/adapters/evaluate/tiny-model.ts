import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { PROJECT_ROOT } from '../../../workers/settings.ts';

const answersSchema = z.object({
  score: z.array(z.object({ nats: z.number(), tokens: z.int() })),
  write: z.array(z.string()),
  chat: z.array(z.string()),
  ended: z.array(z.tuple([z.string(), z.string(), z.number()])),
  text: z.array(z.number()),
});
/** What transformers makes of the tiny model. */
export type TransformersAnswers = z.output<typeof answersSchema>;

export interface TransformersQuestions {
  readonly score: readonly (readonly [string, string])[];
  readonly write: readonly string[];
  readonly chat: readonly (readonly { readonly role: string; readonly content: string }[])[];
  readonly text: string;
}

/** Makes a tiny random model in a folder of its own, which the caller removes, and asks transformers about it. */
export async function makeTinyModel(
  questions: TransformersQuestions,
): Promise<{ readonly root: string; readonly folder: string; readonly answers: TransformersAnswers }> {
  const root = await mkdtemp(path.join(tmpdir(), 'regraft-evaluate-'));
  const folder = path.join(root, 'model');
  const env = { ...process.env, OMP_NUM_THREADS: '1', HF_HUB_OFFLINE: '1', CUDA_VISIBLE_DEVICES: '' };
  const script = path.join(import.meta.dirname, 'make-model.py');
  const child = spawn(path.join(PROJECT_ROOT, '.venv', 'bin', 'python'), [script, folder], { env });
  child.stdin.end(JSON.stringify(questions));
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (child.exitCode !== 0) throw new Error(`make-model.py ended with ${String(child.exitCode)}: ${errors}`);
  return { root, folder, answers: answersSchema.parse(JSON.parse(output)) };
}
