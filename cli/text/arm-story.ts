import type { ApprovalDecision } from '../../contracts/gate.schema.ts';
import type { ArmState, ArmStatus } from '../../contracts/lineage-state.ts';
import type { RunResult } from '../../contracts/run.ts';
import { shortDigest } from './words.ts';

/** Where an arm starts and why, and what became of it. */
export function armStory(arm: ArmState): string {
  return `${arm.sourceReason}. ${STORIES[arm.status](arm)}`;
}

const STORIES: Readonly<Record<ArmStatus, (arm: ArmState) => string>> = {
  waiting: () => 'It has not begun.',
  running: ({ stage, approval }) => {
    if (stage === 'approval' && approval === undefined) return 'It passed its gate and waits for approval.';
    return `It is ${stage === null ? 'starting' : `in stage ${stage}`}.`;
  },
  shared: ({ sharedWith }) => `${sharedWith ?? ''} starts from the same model and does the work for both.`,
  cancelled: ({ stage }) => `It was cancelled${inStage(stage)}.`,
  failed: ({ stage, failure }) =>
    `It failed${inStage(stage)}: ${failure?.message ?? ''} [${failure?.code ?? 'UNKNOWN'}]`,
  succeeded: ({ result }) => (result === null ? '' : resultStory(result)),
  superseded: ({ result }) =>
    result === null
      ? 'A newer release superseded it before it had trained anything.'
      : `A newer release superseded it. ${resultStory(result)}`,
};

function inStage(stage: ArmState['stage']): string {
  return stage === null ? '' : ` in stage ${stage}`;
}

function resultStory(result: RunResult): string {
  const { best, final, stepsInDelta, recordDigest } = result;
  const bestWhen = best.step === 0 ? 'before any training' : `at step ${String(best.step)}`;
  return `Best score ${best.score.toFixed(3)} ${bestWhen}, ${final.score.toFixed(3)} at the last step ${String(final.step)}; its Δ holds ${String(stepsInDelta)} fine-tuning steps.${interruptions(result)}${verdictOf(result)} Record ${shortDigest(recordDigest)}.`;
}

/** What the gate said, and then what a person did; nothing for an arm that never met it. */
function verdictOf({ gateSentence, approval, withheld, published }: RunResult): string {
  if (gateSentence === null) return '';
  const parts = [
    `The gate ${gateSentence}.`,
    ...(approval === undefined ? [] : [approvalSentence(approval)]),
    ...(withheld === undefined ? [] : [`It was withheld: ${withheld}.`]),
    ...(published === null ? ['It was not published.'] : []),
  ];
  return ` ${parts.join(' ')}`;
}

function approvalSentence({ decision, actor, reason }: ApprovalDecision): string {
  if (decision === 'superseded') return `Nobody had decided about it by then (${reason}).`;
  return `It was ${decision} by ${actor} (${reason}).`;
}

const CONTINUITY = {
  verified: 'what was trained again came out as before',
  broken: 'what was trained again came out OTHERWISE than before, so something changed on the way',
  'nothing to compare': 'nothing was trained twice',
} as const;

/** Nothing for a training that one trainer brought to its end. */
function interruptions({ training }: RunResult): string {
  if (training === undefined || training === null || training.attempts < 2) return '';
  const { attempts, stepsLost, continuity } = training;
  const steps = `${String(stepsLost)} step${stepsLost === 1 ? '' : 's'}`;
  return ` Its training took ${String(attempts)} attempts and lost ${steps}; ${CONTINUITY[continuity]}.`;
}
