import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { statusText } from '../../cli/text/status-text.ts';
import { whyText } from '../../cli/text/why-text.ts';
import { digestOf, SMALLEST_SPEC } from '../support/lineage-values.ts';
import { runCli as run } from '../support/run-cli.ts';
import { temporaryFolder } from '../support/safetensors.ts';
import { failure } from '../support/scripted-work.ts';
import { releaseOf, Service } from '../support/service.ts';
import { startTemporal } from '../support/temporal-server.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

// The commands of people, from the words they type to the workflow and back; only the activities are scripted.
let service: Service;
beforeAll(async () => {
  service = await Service.start(await startTemporal());
});
afterAll(() => service.stop());

beforeEach(() => {
  vi.stubEnv('TEMPORAL_ADDRESS', service.env.address);
  vi.stubEnv('TEMPORAL_NAMESPACE', service.env.namespace ?? 'default');
  vi.stubEnv('USER', 'ada');
});
afterAll(() => vi.unstubAllEnvs());

const answerOf = async (...argv: readonly string[]): Promise<unknown> => JSON.parse((await run(...argv, '--json')).out);

/** A lineage file under this name, whose source has these releases. */
async function makeFile(name: string, source: readonly string[], steps = 100): Promise<string> {
  service.work.script(name).source = source;
  const file = path.join(await temporaryFolder(), 'lineage.yaml');
  const family = { ...SMALLEST_SPEC.family, pollEvery: '24h' };
  await writeFile(file, stringify({ ...SMALLEST_SPEC, name, family, finetune: { ...SMALLEST_SPEC.finetune, steps } }));
  return file;
}

describe('regraft apply', () => {
  it('creates a lineage, leaves it as it is, and changes it', async () => {
    const file = await makeFile('applied', []);
    const shown = 'it is watched every 24h. `regraft status applied` shows it.';
    expect(await run('apply', file)).toEqual({ exitCode: 0, out: `applied: created; ${shown}`, err: '' });
    expect((await run('apply', file)).out).toBe(`applied: in place as it was; ${shown}`);
    const longer = await makeFile('applied', [], 200);
    expect((await run('apply', longer, '--reason', 'more steps')).out).toBe(
      `applied: changed; the change applies from the next release on; ${shown}`,
    );
    expect(await answerOf('apply', longer)).toEqual({ lineage: 'applied', applied: 'unchanged' });
    const { log, spec } = await service.lineages.state('applied');
    expect(spec.finetune.steps).toBe(200);
    expect(log).toMatchObject([
      { actor: 'ada', reason: 'not given' },
      { actor: 'ada', reason: 'more steps' },
    ]);
  });

  it('signs with the name of the account where USER is not set', async () => {
    vi.stubEnv('USER', undefined);
    await run('apply', await makeFile('signed', []));
    expect((await service.lineages.state('signed')).log[0]?.actor).toBe(os.userInfo().username);
  });
});

describe('regraft status and why', () => {
  it('tell of lineages in words, and with --json answer their states as they are', async () => {
    await run('apply', await makeFile('told', ['M1', 'M2']));
    await service.until('told', 'M2', 'succeeded');
    const state = await service.lineages.state('told');
    expect(await run('status', 'told')).toEqual({ exitCode: 0, out: statusText(state), err: '' });
    expect(await answerOf('status', 'told')).toEqual(state);

    const m2 = releaseOf(state, 'M2')!;
    expect(await run('why', 'told', 'M2')).toEqual({ exitCode: 0, out: whyText(state, m2), err: '' });
    expect(await answerOf('why', 'told', 'M2')).toEqual({ ...m2, records: {} }); // the store is elsewhere

    await run('apply', await makeFile('told-too', []));
    await vi.waitFor(
      async () => {
        const all = (await answerOf('status')) as { readonly spec: { readonly name: string } }[];
        expect(all.map(({ spec }) => spec.name)).toEqual(expect.arrayContaining(['told', 'told-too']));
      },
      { timeout: 60_000, interval: 200 }, // the list of all is a moment behind
    );
    expect((await run('status')).out).toContain('│ told-too');
  });

  it('say which releases there are when one is asked for that is unknown', async () => {
    await run('apply', await makeFile('asked', []));
    expect(await run('why', 'asked', 'M7')).toEqual({
      exitCode: 1,
      out: '',
      err: 'Lineage asked knows no release M7; it knows none yet. [RELEASE_UNKNOWN]',
    });
    await service.observe('asked', 1, 2);
    expect((await run('why', 'asked', 'M7')).err).toContain('it knows M1, M2.');
  });

  it('say how to find the lineages that there are when one is unknown', async () => {
    const { exitCode, err } = await run('status', 'nobody');
    expect(exitCode).toBe(1);
    expect(err).toContain('No lineage is called nobody; `regraft status` lists those that run');
    expect(err).toMatch(/\[LINEAGE_NOT_FOUND\]$/);
  });
});

describe('regraft release', () => {
  it('hands a release over that the watch has not seen yet, and says when the source has none of that name', async () => {
    await run('apply', await makeFile('announced', []));
    service.work.script('announced').source = ['M3'];
    expect(await run('release', 'announced', 'M3')).toEqual({ exitCode: 0, out: 'announced: handed over M3', err: '' });
    expect(await answerOf('release', 'announced', 'M3')).toEqual({ lineage: 'announced', releases: ['M3'] });
    expect(releaseOf(await service.lineages.state('announced'), 'M3')?.release.digest).toBe(digestOf('M3'));
  });
});

describe('the orders', () => {
  it('pause and resume a lineage, and say when there was nothing to do', async () => {
    await run('apply', await makeFile('held', []));
    const said = async (...argv: readonly string[]): Promise<string> => (await run(...argv)).out;
    expect(await said('pause', 'held', '--reason', 'maintenance')).toBe(
      'held: paused; `regraft resume` goes on from there',
    );
    expect(await said('pause', 'held')).toBe('held: was paused already');
    expect((await said('status', 'held')).split('\n')[0]).toBe('held: paused by ada (maintenance)');
    expect(await answerOf('resume', 'held')).toEqual({ lineage: 'held', changed: true });
    expect(await said('resume', 'held')).toBe('held: was not paused');
  });

  it('retry and cancel a release, and refuse in a sentence what cannot be', async () => {
    service.work.script('retried').instead.inspectRelease = () => {
      throw failure('WEIGHTS_ON_PURPOSE', { retryable: false });
    };
    await run('apply', await makeFile('retried', ['M1']));
    await service.until('retried', 'M1', 'failed');
    expect((await run('why', 'retried', 'M1')).out).toContain('WEIGHTS_ON_PURPOSE on purpose [WEIGHTS_ON_PURPOSE]');
    expect(await run('cancel', 'retried', 'M1')).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/^Release M1 is failed; only a waiting or running .* \[RELEASE_FINISHED\]$/),
    });

    await run('pause', 'retried');
    expect(await run('retry', 'retried', 'M1', '--reason', 'mended')).toEqual({
      exitCode: 0,
      out: 'retried M1: is in line again',
      err: '',
    });
    expect((await run('why', 'retried', 'M1')).out).toMatch(/ {2}ada: retry M1 \(mended\)$/m);
    expect(await answerOf('cancel', 'retried', 'M1')).toEqual({ lineage: 'retried', release: 'M1', changed: true });
    expect((await run('why', 'retried', 'M1')).out).toMatch(/^M1 was cancelled;/);
  });
});
