import { spreadOf } from '../statistics.ts';
import type { InferenceCaseId } from './case-ids.ts';
import type { InferenceRow, InferenceTool } from './row.ts';
import { threadsText } from './run-rounds.ts';

/** `not judged`: measured at a size that says nothing about it, or to say what it costs. */
export type InferenceMark = 'met' | 'MISSED' | 'not judged';

export interface InferenceVerdict {
  readonly reach: string;
  readonly mark: InferenceMark;
  readonly found: string;
}

/** What is asked of each case, against transformers, and of which of our modes: that which `chooseMode` takes for it. */
const REACHES: Readonly<Record<InferenceCaseId, { readonly tool: InferenceTool; readonly factor: number }>> = {
  start: { tool: 'regraft', factor: 10 },
  load: { tool: 'regraft', factor: 10 },
  score: { tool: 'regraft-prepacked', factor: 1 },
  'generate-1': { tool: 'regraft-prepacked', factor: 1.15 },
  'generate-8': { tool: 'regraft-prepacked', factor: 1.4 },
};
/** What is asked of float32 weights alone: others are cast when the model opens, and what that costs is shown. */
const OPENING: readonly InferenceCaseId[] = ['start', 'load'];
/** Of the file, for float32 weights in place. */
const MEMORY_SHARE = 0.2;

export interface JudgeInput {
  readonly judgesTimes: boolean;
  /** Models whose weights are cast when they open. */
  readonly castModels: ReadonlySet<string>;
  /** Bytes of the weights of each float32 model whose memory is judged. */
  readonly weightBytes: ReadonlyMap<string, number>;
}

/** Holds rows against the numbers to reach, times by their medians. */
export function judgeInference(rows: readonly InferenceRow[], input: JudgeInput): readonly InferenceVerdict[] {
  return [...rows.flatMap((row) => judgeTime(row, rows, input)), ...judgeMemory(rows, input)];
}

function judgeTime(
  row: InferenceRow,
  rows: readonly InferenceRow[],
  { judgesTimes, castModels }: JudgeInput,
): readonly InferenceVerdict[] {
  const { tool, factor } = REACHES[row.case];
  const theirs = rows.find(
    (other) =>
      other.tool === 'transformers' &&
      other.case === row.case &&
      other.model === row.model &&
      other.threads === row.threads,
  );
  if (row.tool !== tool || theirs === undefined) return [];
  const ratio = spreadOf(theirs.seconds).median / spreadOf(row.seconds).median;
  const isJudged = judgesTimes && !(castModels.has(row.model) && OPENING.includes(row.case));
  const mark = isJudged ? (ratio >= factor ? 'met' : 'MISSED') : 'not judged';
  const reach = `${row.case}, ${row.model}, ${threadsText(row.threads)}: ${factor}× as fast as transformers`;
  return [{ reach, mark, found: `${ratio.toFixed(2)}×` }];
}

function judgeMemory(rows: readonly InferenceRow[], { weightBytes }: JudgeInput): readonly InferenceVerdict[] {
  return [...weightBytes].flatMap(([model, bytes]) => {
    const used = rows.flatMap((row) => (row.tool === 'regraft' && row.model === model ? [row.memoryBytes] : []));
    if (used.length === 0) return [];
    const share = Math.max(...used) / bytes;
    const reach = `memory after load, ${model}: at most ${MEMORY_SHARE}× the weights`;
    return [{ reach, mark: share <= MEMORY_SHARE ? 'met' : 'MISSED', found: `${share.toFixed(2)}×` }];
  });
}
