import { open } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { TrainingStep } from '../../contracts/training-step.schema.ts';
import { jsonLines, readText } from './trainer-folder.ts';

/** Where transformers' Trainer keeps step, data position and all that it has logged; the last file of a checkpoint. */
export const STOCK_STATE = 'trainer_state.json';

const stateSchema = z.object({ global_step: z.int(), log_history: z.array(z.unknown()) });
/** One that tells of training; the others are evaluations and the summary at the end. */
const entrySchema = z.object({
  step: z.int().min(1),
  loss: z.number(),
  learning_rate: z.number(),
  grad_norm: z.number().nullish(),
  num_input_tokens_seen: z.int().nullish(),
});
const lineSchema = z.looseObject({ attempt: z.int(), step: z.int() });

export interface StockState {
  readonly globalStep: number;
  /** All that was logged since step 0, earlier attempts included. A loss that is not finite is left out. */
  readonly logged: readonly z.output<typeof entrySchema>[];
}

/** The trainer's state in a checkpoint, or why there is none. */
export async function readStockState(checkpoint: string): Promise<StockState | string> {
  const text = await readText(path.join(checkpoint, STOCK_STATE));
  if (text === null) return `${STOCK_STATE} is missing`;
  const state = stateSchema.safeParse(parsed(text));
  if (!state.success) return `${STOCK_STATE} cannot be read, so it may be half-written`;
  const logged = state.data.log_history.flatMap((entry) => entrySchema.safeParse(entry).data ?? []);
  return { globalStep: state.data.global_step, logged };
}

/**
 * Appends the steps beyond `resumedAt` to metrics.jsonl that this attempt has no line for yet; done twice it adds
 * nothing. Null where a Trainer does not say: it keeps no step times, and counts tokens only when asked to.
 */
export async function appendStockCurve(
  folder: string,
  attempt: number,
  resumedAt: number,
  { logged }: StockState,
): Promise<void> {
  const file = path.join(folder, 'metrics.jsonl');
  const text = (await readText(file)) ?? '';
  const known = new Set(
    jsonLines(text).flatMap((line) => {
      const { data } = lineSchema.safeParse(line);
      return data?.attempt === attempt ? [data.step] : [];
    }),
  );
  const lines: string[] = [];
  for (const entry of logged) {
    if (entry.step <= resumedAt || known.has(entry.step)) continue;
    known.add(entry.step);
    lines.push(`${JSON.stringify(stepOf(entry, attempt))}\n`);
  }
  if (lines.length === 0) return;
  const isTorn = text !== '' && !text.endsWith('\n');
  await append(file, `${isTorn ? '\n' : ''}${lines.join('')}`);
}

function stepOf(entry: StockState['logged'][number], attempt: number): TrainingStep {
  return {
    attempt,
    step: entry.step,
    lossNats: entry.loss,
    learningRate: entry.learning_rate,
    gradientNorm: entry.grad_norm ?? null,
    stepSeconds: null,
    tokensSeen: entry.num_input_tokens_seen ?? null,
    memoryBytes: null,
    device: null,
  };
}

/** On disk before the marker is: a curve must not lack what a checkpoint claims. */
async function append(file: string, text: string): Promise<void> {
  const handle = await open(file, 'a');
  try {
    await handle.appendFile(text);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

/** JSON as Python writes it: NaN and infinities, which JSON has not, become null. */
function parsed(text: string): unknown {
  const bare = text.replace(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g, (token) => (token.startsWith('"') ? token : 'null'));
  try {
    return JSON.parse(bare);
  } catch {
    return null;
  }
}
