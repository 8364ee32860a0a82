import { readFile } from 'node:fs/promises';
import { Worker, type ReplayWorkerOptions } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, describe, expect, it } from 'vitest';
import { readHistories, type HistoryEvent, type KeptHistory } from '../support/histories.ts';
import { lineageSinks, testBundle } from '../support/service.ts';
import { quietRuntime } from '../support/temporal-server.ts';

/** What each history of the corpus is there for: an event that it must have. */
const KEPT_FOR: Readonly<Record<string, string>> = {
  'lineage-after-continued': 'childWorkflowExecutionCompletedEventAttributes',
  'lineage-approved-and-rolled-back': 'workflowExecutionUpdateCompletedEventAttributes',
  'lineage-cancelled-release': 'requestCancelExternalWorkflowExecutionInitiatedEventAttributes',
  'lineage-failed-and-retried': 'childWorkflowExecutionFailedEventAttributes',
  'lineage-over-budget': 'workflowExecutionSignaledEventAttributes',
  'lineage-paused-and-resumed': 'signalExternalWorkflowExecutionInitiatedEventAttributes',
  'lineage-superseded': 'signalExternalWorkflowExecutionInitiatedEventAttributes',
  'lineage-two-releases': 'childWorkflowExecutionCompletedEventAttributes',
  'lineage-tells-of-plain': 'signalExternalWorkflowExecutionInitiatedEventAttributes',
  'lineage-until-continued': 'workflowExecutionContinuedAsNewEventAttributes',
  'run-approved': 'workflowExecutionSignaledEventAttributes',
  'run-cancelled': 'workflowExecutionCanceledEventAttributes',
  'run-failed': 'workflowExecutionFailedEventAttributes',
  'run-from-base': 'workflowExecutionCompletedEventAttributes',
  'run-held-in-training': 'activityTaskCanceledEventAttributes',
  'run-of-transfer': 'workflowExecutionCompletedEventAttributes',
  'run-over-budget': 'timerStartedEventAttributes',
  'run-superseded': 'activityTaskCanceledEventAttributes',
  'run-of-control': 'workflowExecutionCompletedEventAttributes',
  'run-with-decisions': 'activityTaskCanceledEventAttributes',
  'run-with-source': 'workflowExecutionCompletedEventAttributes',
  'watch-backfills': 'workflowExecutionCompletedEventAttributes',
  'watch-finds-two': 'workflowExecutionCompletedEventAttributes',
};

let histories: readonly KeptHistory[];
let options: ReplayWorkerOptions;
beforeAll(async () => {
  quietRuntime();
  histories = await readHistories();
  options = { workflowBundle: await testBundle(), sinks: lineageSinks(new Map()) };
});

/** How each history fares, by its name. */
async function replay(
  kept: readonly KeptHistory[],
  bundle: ReplayWorkerOptions['workflowBundle'] = options.workflowBundle,
): Promise<ReadonlyMap<string, Error | undefined>> {
  const outcomes = new Map<string, Error | undefined>();
  const replayed = Worker.runReplayHistories({ ...options, ...(bundle && { workflowBundle: bundle }) }, kept);
  for await (const { workflowId, error } of replayed) outcomes.set(workflowId, error);
  return outcomes;
}

describe('a history of the corpus', () => {
  it('is there for every main path', () => {
    const found = Object.fromEntries(
      histories.map(({ workflowId, history }) => [
        workflowId,
        history.events.some((event) => (KEPT_FOR[workflowId] ?? '') in event) ? KEPT_FOR[workflowId] : 'not in it',
      ]),
    );
    expect(found).toEqual(KEPT_FOR);
  });

  it('is what the workflows of today would do too, each one', async () => {
    const outcomes = await replay(histories);
    expect(outcomes.size).toBe(Object.keys(KEPT_FOR).length);
    expect([...outcomes].filter(([, error]) => error !== undefined)).toEqual([]);
  });

  it('was one release after the other, the second with the Δ of the first', () => {
    const source = eventsOf('run-with-source')[0];
    expect(JSON.stringify(source, readable)).toContain('fromRelease');
    expect(
      eventsOf('lineage-two-releases').filter((event) => 'childWorkflowExecutionStartedEventAttributes' in event),
    ).toHaveLength(3);
  });
});

describe('replay notices', () => {
  it('another order of the stages', async () => {
    const { codePath } = await testBundle();
    const code = await readFile(codePath, 'utf8');
    const altered = code.replace(/'finetune',(\s+)'difference',/, `'difference',$1'finetune',`);
    expect(altered).not.toBe(code);
    // A transfer has neither of the two.
    const runs = histories.filter(({ workflowId }) => /^run-(?!of-transfer)/.test(workflowId));
    const outcomes = await replay(runs, { code: altered });
    expect(outcomes.size).toBe(10);
    for (const error of outcomes.values()) expect(error).toBeInstanceOf(DeterminismViolationError);
  });

  it('a command that history does not have', async () => {
    const { codePath } = await testBundle();
    const code = await readFile(codePath, 'utf8');
    const altered = code.replace(
      /await \S*io\.concludeRelease\(/,
      `await Promise.resolve({ recordDigest: null }) ?? (`,
    );
    expect(altered).not.toBe(code);
    const outcomes = await replay(
      histories.filter(({ workflowId }) => workflowId === 'lineage-two-releases'),
      {
        code: altered,
      },
    );
    expect(outcomes.get('lineage-two-releases')).toBeInstanceOf(DeterminismViolationError);
  });

  it('a history of something else', async () => {
    const events = eventsOf('run-from-base').map((event) => renamed(event, 'inspectRelease', 'recycleModel'));
    const outcomes = await replay([{ workflowId: 'altered', history: { events } }]);
    expect(outcomes.get('altered')).toBeInstanceOf(DeterminismViolationError);
  });
});

function eventsOf(name: string): readonly HistoryEvent[] {
  return histories.find(({ workflowId }) => workflowId === name)?.history.events ?? [];
}

/** The event with one activity's name in the place of another's. */
function renamed(event: HistoryEvent, from: string, to: string): HistoryEvent {
  const scheduled = event['activityTaskScheduledEventAttributes'];
  if (typeof scheduled !== 'object' || !JSON.stringify(scheduled).includes(`"activityType":{"name":"${from}"}`)) {
    return event;
  }
  return { ...event, activityTaskScheduledEventAttributes: { ...scheduled, activityType: { name: to } } };
}

const readable = (_: string, value: unknown): unknown =>
  value instanceof Uint8Array ? new TextDecoder().decode(value) : value;
