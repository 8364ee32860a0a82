import { Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunInput } from '../../contracts/run.ts';
import { taskQueue } from '../../contracts/task-queues.ts';
import type { recycleRun } from '../../workflows/recycle-run.ts';
import { digestOf, makeScore } from '../support/lineage-values.ts';
import { makeRunInput } from '../support/run-input.ts';
import { announce, checkpointOf, failure, outcomeOf, type Script } from '../support/scripted-work.ts';
import { quietSpec, Service } from '../support/service.ts';
import { startTemporal } from '../support/temporal-server.ts';
import { waitUntil } from '../support/wait-until.ts';

let service: Service;
beforeAll(async () => {
  service = await Service.start(await startTemporal());
});
afterAll(() => service.stop());

async function begin(input: RunInput): Promise<WorkflowHandle<typeof recycleRun>> {
  return service.env.client.workflow.start<typeof recycleRun>('recycleRun', {
    workflowId: `run/${input.lineage}`,
    taskQueue: taskQueue('control'),
    args: [input],
  });
}

/** Code of the failure that a run ended with. */
async function codeOf(run: WorkflowHandle<typeof recycleRun>): Promise<unknown> {
  const error: unknown = await run.result().catch((reason: unknown) => reason);
  for (let cause = error; cause instanceof Error; cause = cause.cause) if ('type' in cause) return cause.type;
  return error;
}

const evaluated = (script: Script): readonly (number | null)[] => script.of('evaluateModel').map(({ step }) => step);

describe('checkpoints', () => {
  it('are evaluated as they are announced, while the training goes on', async () => {
    const script = service.work.script('early');
    const training = service.holdTraining('early');
    const run = await begin(makeRunInput('early'));
    training.proceedTo(50);
    await waitUntil('step 50 is evaluated', async () => evaluated(script).includes(50));
    expect([training.running, training.saved, evaluated(script)]).toEqual([1, 50, [0, 50]]);
    training.proceedTo(100);
    expect(await run.result()).toMatchObject({ final: { step: 100 } });
    expect(evaluated(script)).toEqual([0, 50, 100]);
  });

  it('that are announced again are evaluated once', async () => {
    const script = service.work.script('repeated');
    const training = service.holdTraining('repeated');
    training.proceedTo(50);
    const run = await begin(makeRunInput('repeated'));
    await waitUntil('step 50 is evaluated', async () => evaluated(script).includes(50));
    await service.untilQuiet(run.workflowId, 'finetuneModel');
    await run.signal('checkpoint', checkpointOf(digestOf('M1'), 50));
    await run.signal('checkpoint', { step: 0, modelDigest: digestOf('M1') });
    training.proceedTo(100);
    await run.result();
    expect(evaluated(script)).toEqual([0, 50, 100]);
  });

  it('whose step was trained again into another model are evaluated again, and that one counts', async () => {
    const script = service.work.script('retrained');
    const curves: (readonly { readonly step: number; readonly modelDigest: string }[])[] = [];
    script.instead.finetuneModel = async ({ startModel }) => {
      await announce(service.door, digestOf('a branch that was given up'), 50);
      await waitUntil('step 50 is evaluated', async () => evaluated(script).includes(50));
      return outcomeOf([50, 100].map((step) => checkpointOf(startModel, step)));
    };
    script.instead.recordRun = async (input) => {
      curves.push(input.record.evaluations);
      return script.usual.recordRun(input);
    };
    await (await begin(makeRunInput('retrained'))).result();
    expect(evaluated(script)).toEqual([0, 50, 50, 100]);
    const steps = [50, 100].map((step) => checkpointOf(digestOf('M1'), step));
    expect(curves).toMatchObject([[{ step: 0 }, ...steps]]);
  });

  it('that no signal announced, but the outcome names, are evaluated too', async () => {
    const script = service.work.script('silent');
    script.instead.finetuneModel = async ({ startModel }) =>
      outcomeOf([50, 100].map((step) => checkpointOf(startModel, step)));
    const run = await begin(makeRunInput('silent'));
    expect(await run.result()).toMatchObject({ best: { step: 100 } });
    expect(evaluated(script)).toEqual([0, 50, 100]);
  });

  it('are evaluated in ascending order, on every suite in the order of the spec', async () => {
    const script = service.work.script('suites');
    const evaluate = ['sums', 'words'].map((name) => ({ name, suite: `/suites/${name}` }));
    const asked: string[] = [];
    script.instead.finetuneModel = async ({ startModel }) =>
      outcomeOf([100, 50].map((step) => checkpointOf(startModel, step)));
    script.instead.evaluateModel = async ({ step, suite }) => {
      asked.push(`${suite.name} ${String(step)}`);
      return makeScore({ suite: suite.name });
    };
    const run = await begin(makeRunInput('suites', { spec: quietSpec('suites', { evaluate }) }));
    await run.result();
    expect(asked).toEqual(['sums 0', 'words 0', 'sums 50', 'words 50', 'sums 100', 'words 100']);
  });
});

describe('a run', () => {
  it('keeps the start model when no checkpoint is better, and takes Δ from it', async () => {
    const script = service.work.script('hurts');
    script.instead.evaluateModel = async ({ step }) => makeScore({ score: 0.9 - step / 1000 });
    const source = { deltaDigest: digestOf('Δ'), fromRelease: 'M0', fromArm: 'iterative', steps: 300 } as const;
    const run = await begin(makeRunInput('hurts', { source }));
    const startModelDigest = digestOf(`${digestOf('M1')} + ${digestOf('Δ')}`);
    expect(await run.result()).toMatchObject({
      startModelDigest,
      candidateDigest: startModelDigest,
      deltaDigest: digestOf(`${startModelDigest} - ${digestOf('M1')}`),
      best: { step: 0, score: 0.9 },
      final: { step: 100, score: 0.8 },
      stepsInDelta: 300,
    });
  });

  it('that is started on hold begins when it is let go', async () => {
    const script = service.work.script('held');
    const run = await begin(makeRunInput('held', { paused: true }));
    await service.untilQuiet(run.workflowId);
    expect(script.calls).toEqual([]);
    await run.signal('hold', { held: false });
    expect(await run.result()).toMatchObject({ best: { step: 100 } });
  });

  it('whose evaluation fails for good ends its training, and fails with that code', async () => {
    const script = service.work.script('unscored');
    const training = service.holdTraining('unscored');
    training.proceedTo(50);
    script.instead.evaluateModel = async (input) => {
      if (input.step > 0) throw failure('SUITE_INVALID', { retryable: false });
      return script.usual.evaluateModel(input);
    };
    const run = await begin(makeRunInput('unscored'));
    expect(await codeOf(run)).toBe('SUITE_INVALID');
    expect([training.running, training.cancelled]).toEqual([0, 1]);
    expect(script.calls.at(-1)).toMatchObject({ activity: 'evaluateModel', step: 50 });
  });

  it('whose training fails for good ends the evaluation under way, and fails with that code', async () => {
    const script = service.work.script('untrained');
    let evaluating = false;
    script.instead.evaluateModel = async (input) => {
      if (input.step === 0) return script.usual.evaluateModel(input);
      evaluating = true;
      return untilCancelled();
    };
    script.instead.finetuneModel = async ({ startModel }) => {
      await announce(service.door, startModel, 50);
      await waitUntil('step 50 is being evaluated', async () => evaluating);
      throw failure('TRAINER_DIVERGED', { retryable: false });
    };
    const run = await begin(makeRunInput('untrained'));
    expect(await codeOf(run)).toBe('TRAINER_DIVERGED');
    expect(script.story('M1', 'iterative').at(-1)).toBe('evaluateModel 50');
    expect(await cancelledActivities(run.workflowId)).toBe(1);
  });
});

/** Heartbeats and does nothing else. */
async function untilCancelled(): Promise<never> {
  const context = Context.current();
  const pulse = setInterval(() => {
    context.heartbeat();
  }, 20);
  try {
    return await context.cancelled;
  } finally {
    clearInterval(pulse);
  }
}

async function cancelledActivities(workflowId: string): Promise<number> {
  const { events } = await service.env.client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).filter((event) => event.activityTaskCanceledEventAttributes).length;
}
