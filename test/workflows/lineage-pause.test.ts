import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkpointOf } from '../support/scripted-work.ts';
import { ORDER, releaseOf, Service } from '../support/service.ts';
import { startTemporal } from '../support/temporal-server.ts';
import { waitUntil } from '../support/wait-until.ts';

let service: Service;
beforeAll(async () => {
  service = await Service.start(await startTemporal());
});
afterAll(() => service.stop());

const runOf = (name: string): string => `lineage/${name}/run/M1/iterative`;

describe('a pause', () => {
  it('ends a training, and resume starts it again where it had saved; the result is as if nothing had been', async () => {
    await service.create('undisturbed');
    await service.observe('undisturbed', 1);
    const undisturbed = await service.until('undisturbed', 'M1');

    await service.create('disturbed');
    const training = service.holdTraining('disturbed');
    training.proceedTo(50);
    await service.observe('disturbed', 1);
    await waitUntil('step 50 is saved', async () => training.saved === 50);
    expect(await service.lineages.pause('disturbed', ORDER)).toEqual({ changed: true });
    await waitUntil('the training is cancelled', async () => training.cancelled === 1);
    training.proceedTo(100);
    await service.untilQuiet(runOf('disturbed'));
    expect([training.running, training.starts]).toEqual([0, [0]]);

    expect(await service.lineages.resume('disturbed', ORDER)).toEqual({ changed: true });
    const disturbed = await service.until('disturbed', 'M1');
    expect(training.starts).toEqual([0, 50]);
    expect(disturbed.arms).toEqual(undisturbed.arms);
    expect(disturbed.arms[0]!.result).toMatchObject({ best: { step: 100 } });
  });

  it('waits for the training to save: resumed before that, no second one starts beside it', async () => {
    await service.create('hasty');
    const training = service.holdTraining('hasty');
    let save: () => void = () => undefined;
    training.saving = new Promise((resolve) => (save = resolve));
    await service.observe('hasty', 1);
    await training.untilRunning();
    await service.lineages.pause('hasty', ORDER);
    await waitUntil('the training is cancelled', async () => training.cancelled === 1);
    await service.lineages.resume('hasty', ORDER);
    await waitUntil('the run is let go', async () => (await signalsTo(runOf('hasty'))).length === 2);
    await service.untilQuiet(runOf('hasty'), 'finetuneModel');
    expect([training.running, training.starts]).toEqual([1, [0]]);
    training.proceedTo(100);
    save();
    expect((await service.until('hasty', 'M1')).status).toBe('succeeded');
    expect([training.mostAtOnce, training.starts]).toEqual([1, [0, 0]]);
  });

  it('may be given in one training as often as one likes', async () => {
    await service.create('often');
    const training = service.holdTraining('often');
    await service.observe('often', 1);
    for (let times = 1; times <= 3; times += 1) {
      await training.untilRunning();
      await service.lineages.pause('often', ORDER);
      await waitUntil('the training is cancelled', async () => training.cancelled === times);
      await service.lineages.resume('often', ORDER);
    }
    training.proceedTo(100);
    expect((await service.until('often', 'M1')).status).toBe('succeeded');
    expect(training.starts).toEqual([0, 0, 0, 0]);
  });

  it('lets nothing new begin, no evaluation either, but takes releases in', async () => {
    const script = await service.create('still');
    const training = service.holdTraining('still');
    await service.observe('still', 1);
    await training.untilRunning();
    await service.lineages.pause('still', ORDER);
    await waitUntil('the training is cancelled', async () => training.cancelled === 1);
    await service.untilQuiet(runOf('still'));

    const before = [...script.calls];
    await service.observe('still', 2);
    const startModel = releaseOf(await service.lineages.state('still'), 'M1')!.release.digest;
    await service.env.client.workflow.getHandle(runOf('still')).signal('checkpoint', checkpointOf(startModel, 75));
    await service.untilQuiet(runOf('still'));
    await service.untilQuiet('lineage/still');
    expect(script.calls).toEqual(before);
    const { paused, releases } = await service.lineages.state('still');
    expect(paused).toMatchObject({ ...ORDER, what: 'pause' });
    expect(releases.map(({ status }) => status)).toEqual(['running', 'waiting']);

    training.proceedTo(100);
    await service.lineages.resume('still', ORDER);
    expect((await service.until('still', 'M2')).status).toBe('succeeded');
    expect(script.story('M1', 'iterative')).toContain('evaluateModel 75');
  });

  it('changes nothing the second time, and neither does a second resume', async () => {
    await service.create('twice');
    const answers = [
      await service.lineages.pause('twice', ORDER),
      await service.lineages.pause('twice', { actor: 'bob', reason: 'to be sure' }),
      await service.lineages.resume('twice', ORDER),
      await service.lineages.resume('twice', ORDER),
    ];
    expect(answers.map(({ changed }) => changed)).toEqual([true, false, true, false]);
    const { log, paused } = await service.lineages.state('twice');
    expect(log.map(({ what, actor }) => `${what} by ${actor}`)).toEqual([
      'create by ada',
      'pause by ada',
      'resume by ada',
    ]);
    expect(paused).toBeNull();
  });

  it('holds a run too that is just being started', async () => {
    for (const name of ['starting-1', 'starting-2', 'starting-3']) {
      const script = await service.create(name);
      await service.observe(name, 1);
      await service.lineages.pause(name, ORDER);
      await waitUntil('the run is told', async () => (await signalsTo(runOf(name))).includes('hold'));
      await service.untilQuiet(runOf(name));
      expect(script.story('M1', 'iterative')).not.toContain('recordRun');
      expect(releaseOf(await service.lineages.state(name), 'M1')!.status).toBe('running');
      await service.lineages.resume(name, ORDER);
      expect((await service.until(name, 'M1')).status).toBe('succeeded');
    }
  });

  it('that comes together with the end of a run is a pause all the same', async () => {
    await service.create('crossing');
    const training = service.holdTraining('crossing');
    await service.observe('crossing', 1);
    await training.untilRunning();
    await service.stopControl();
    const paused = service.lineages.pause('crossing', ORDER);
    await service.env.client.workflow.getHandle(runOf('crossing')).terminate('it ends while nobody looks');
    await service.startControl();
    expect(await paused).toEqual({ changed: true });
    const { paused: order, releases } = await service.lineages.state('crossing');
    expect(order).toMatchObject(ORDER);
    expect(releases[0]).toMatchObject({ status: 'failed', arms: [{ failure: { message: 'Terminated' } }] });
  });

  it('is shown by its gauge, by a restarted worker too', async () => {
    await service.create('gauge');
    expect(service.pausedGauge.get('gauge')).toBe(false);
    await service.lineages.pause('gauge', ORDER);
    expect(service.pausedGauge.get('gauge')).toBe(true);
    await service.stopControl();
    service.pausedGauge.clear();
    await service.startControl();
    await service.lineages.state('gauge');
    expect(service.pausedGauge.get('gauge')).toBe(true);
  });
});

async function signalsTo(workflowId: string): Promise<readonly (string | null | undefined)[]> {
  const { events } = await service.env.client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) =>
    signal ? [signal.signalName] : [],
  );
}
