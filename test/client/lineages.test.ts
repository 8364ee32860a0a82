import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLineages, type Lineages } from '../../client/lineages.ts';
import type { Release } from '../../contracts/release.ts';
import { makeRelease, SMALLEST_SPEC } from '../support/lineage-values.ts';
import { ORDER, quietSpec, Service } from '../support/service.ts';
import { startTemporal } from '../support/temporal-server.ts';
import { waitUntil } from '../support/wait-until.ts';

let service: Service;
beforeAll(async () => {
  service = await Service.start(await startTemporal());
});
afterAll(() => service.stop());

const watchedEvery = (pollEvery: string) => ({ family: { ...SMALLEST_SPEC.family, pollEvery } });
const schedule = (name: string) => service.env.client.schedule.getHandle(`watch/${name}`);

describe('apply', () => {
  it('starts the lineage that does not run yet, once, however many do it at the same time', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => service.lineages.apply(quietSpec('new'), ORDER)));
    expect(answers.map(({ applied }) => applied).sort()).toEqual(['created', 'unchanged', 'unchanged']);
    const { events } = await service.env.client.workflow.getHandle('lineage/new').fetchHistory();
    const applied = events?.filter((event) => event.workflowExecutionUpdateAcceptedEventAttributes);
    expect(applied).toHaveLength(3);
    expect((await service.lineages.state('new')).spec).toEqual(quietSpec('new'));
  });

  it('makes a schedule whose watch looks at once and hands over what it finds', async () => {
    service.work.script('at-once').source = ['M1'];
    await service.lineages.apply(quietSpec('at-once'), ORDER);
    expect((await service.until('at-once', 'M1')).status).toBe('succeeded');
    const { spec, action, policies } = await schedule('at-once').describe();
    expect(spec.intervals).toMatchObject([{ every: 24 * 3600 * 1000 }]);
    expect(action).toMatchObject({ workflowType: 'watchFamily', args: [{ lineage: 'at-once' }] });
    expect(policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 60_000, pauseOnFailure: false });
  });

  it('makes a watch that looks again and again, and finds what appears later', async () => {
    const script = await service.create('later', watchedEvery('1s'));
    expect((await service.lineages.state('later')).releases).toEqual([]);
    script.source = ['M1'];
    expect((await service.until('later', 'M1')).status).toBe('succeeded');
    await schedule('later').delete();
    expect(script.of('findReleases').length).toBeGreaterThanOrEqual(2);
  });

  it('changes the schedule of a lineage that runs, and leaves it paused where an operator paused it', async () => {
    await service.create('slower');
    await schedule('slower').pause('maintenance');
    await service.lineages.apply(quietSpec('slower', watchedEvery('36h')), ORDER);
    const { spec, state, action } = await schedule('slower').describe();
    expect(spec.intervals).toMatchObject([{ every: 36 * 3600 * 1000 }]);
    expect(state).toMatchObject({ paused: true, note: 'maintenance' });
    expect(action).toMatchObject({ args: [{ family: { pollEvery: '36h' } }] });
  });
});

describe('observeRelease', () => {
  it('answers whether the lineage took the release in, or knows its name or its content', async () => {
    await service.create('observing');
    const observe = (release: Release) => service.lineages.observeRelease('observing', release);
    const commit = 'a'.repeat(40);
    const [first, backfill] = [makeRelease(1), { ...makeRelease(1), backfill: true } as const];
    expect(await observe(first)).toBe('queued');
    expect(await observe(backfill)).toBe('known');
    expect(await observe({ ...first, name: 'M7', position: [7], commit })).toBe('known');
    expect(await observe({ ...makeRelease(2), commit })).toBe('queued');
  });
});

describe('list', () => {
  it('has the names of all lineages that run, sorted, and no runs or watches', async () => {
    for (const name of ['list-b', 'list-a', 'list-c']) await service.create(name);
    await service.env.client.workflow.getHandle('lineage/list-c').terminate();
    const mine = async (): Promise<readonly string[]> =>
      (await service.lineages.list()).filter((name) => !/^(new|at-once|later|slower|observing)$/.test(name));
    await waitUntil(
      'the list is up to date',
      async () => (await mine()).length === 2 && !(await mine()).includes('list-c'),
    );
    expect(await mine()).toEqual(['list-a', 'list-b']);
  });
});

/** Everything that asks something of a lineage, by name. */
const asking: Readonly<Record<string, (lineages: Lineages, name: string) => Promise<unknown>>> = {
  state: (lineages, name) => lineages.state(name),
  pause: (lineages, name) => lineages.pause(name, ORDER),
  resume: (lineages, name) => lineages.resume(name, ORDER),
  retry: (lineages, name) => lineages.retry(name, 'M1', ORDER),
  cancel: (lineages, name) => lineages.cancel(name, 'M1', ORDER),
  watchNow: (lineages, name) => lineages.watchNow(name),
  observeRelease: (lineages, name) => lineages.observeRelease(name, makeRelease(1)),
};

describe('a lineage that does not run', () => {
  it.each(Object.entries(asking))('is not found: %s says what to do', async (_, ask) => {
    await expect(ask(service.lineages, 'nobody')).rejects.toMatchObject({
      code: 'LINEAGE_NOT_FOUND',
      retryable: false,
      message: 'No lineage is called nobody; `regraft status` lists those that run, `regraft apply FILE` creates one.',
    });
  });
});

describe('a lineage that no worker serves', () => {
  beforeAll(async () => {
    await service.create('silent');
    await service.stopControl();
  });
  afterAll(() => service.startControl());

  it.each(['apply', ...Object.keys(asking)])('does not answer: %s ends within its time and says why', async (name) => {
    const impatient = createLineages(service.env.client, 1_000);
    const asked = asking[name]?.(impatient, 'silent') ?? impatient.apply(quietSpec('silent'), ORDER);
    await expect(asked).rejects.toMatchObject({
      code: 'LINEAGE_NOT_ANSWERING',
      retryable: true,
      message: expect.stringMatching(/^Lineage silent does not answer: .*; a worker for the control queue must run: /),
    });
  });
});
