import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { statusText } from '../../cli/text/status-text.ts';
import { whyText } from '../../cli/text/why-text.ts';
import { PROJECT_ROOT } from '../../workers/settings.ts';
import { digestOf, SMALLEST_SPEC } from '../support/lineage-values.ts';
import { runCli as run } from '../support/run-cli.ts';
import { temporaryFolder } from '../support/safetensors.ts';
import { failure } from '../support/scripted-work.ts';
import { releaseOf, Service } from '../support/service.ts';
import { startTemporal } from '../support/temporal-server.ts';
import { waitAtLength } from '../support/wait-at-length.ts';

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

const LONGER = { finetune: { ...SMALLEST_SPEC.finetune, steps: 200 } };
const answerOf = async (...argv: readonly string[]): Promise<unknown> => JSON.parse((await run(...argv, '--json')).out);

/** A lineage file under this name, whose source has these releases. */
async function makeFile(
  name: string,
  source: readonly string[],
  fields: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  service.work.script(name).source = source;
  const file = path.join(await temporaryFolder(), 'lineage.yaml');
  const family = { ...SMALLEST_SPEC.family, pollEvery: '24h' };
  await writeFile(file, stringify({ ...SMALLEST_SPEC, name, family, ...fields }));
  return file;
}

/** Waits until a release's candidate waits for a person. */
const untilAsked = (name: string, release: string): Promise<boolean> =>
  waitAtLength(`${release} waits for approval`, async () => {
    const [production] = releaseOf(await service.lineages.state(name), release)?.arms ?? [];
    return production?.stage === 'approval';
  });

describe('regraft apply', () => {
  it('creates a lineage, leaves it as it is, and changes it', async () => {
    const file = await makeFile('applied', []);
    const shown = 'it is watched every 24h. `regraft status applied` shows it.';
    expect(await run('apply', file)).toEqual({ exitCode: 0, out: `applied: created; ${shown}`, err: '' });
    expect((await run('apply', file)).out).toBe(`applied: in place as it was; ${shown}`);
    const longer = await makeFile('applied', [], LONGER);
    expect(await run('apply', longer, '--reason', 'more steps')).toEqual({
      exitCode: 0,
      out: `Counts from the next release on:\n  ~ finetune.steps: 100 → 200\napplied: changed; ${shown}`,
      err: '',
    });
    expect(await answerOf('apply', longer)).toEqual({ lineage: 'applied', applied: 'unchanged', changes: [] });
    const { log, spec } = await service.lineages.state('applied');
    expect(spec.finetune.steps).toBe(200);
    expect(log).toMatchObject([
      { actor: 'ada', reason: 'not given' },
      { actor: 'ada', reason: 'more steps' },
    ]);
  });

  it('only says what would change, and from when on, with --dry-run', async () => {
    const file = await makeFile('tried', ['M1']);
    expect((await run('apply', file, '--dry-run')).out).toBe('tried: would be created');
    expect(await answerOf('apply', file, '--dry-run')).toEqual({ lineage: 'tried', exists: false, changes: [] });
    expect((await run('status', 'tried')).err).toMatch(/\[LINEAGE_NOT_FOUND\]$/);

    await run('apply', file);
    expect((await run('apply', file, '--dry-run')).out).toBe('tried: nothing would change');
    const changed = await makeFile('tried', ['M1'], { ...LONGER, backlog: 'latest' });
    expect((await run('apply', changed, '--dry-run')).out).toBe(
      [
        'tried would change.',
        ...['Counts at once:', '  ~ backlog: queue → latest'],
        ...['Counts from the next release on:', '  ~ finetune.steps: 100 → 200'],
      ].join('\n'),
    );
    expect(await answerOf('apply', changed, '--dry-run')).toMatchObject({
      exists: true,
      changes: [
        { path: 'finetune.steps', applies: 'next release' },
        { path: 'backlog', applies: 'now' },
      ],
    });
    expect((await service.lineages.state('tried')).spec).toMatchObject({ backlog: 'queue', finetune: { steps: 100 } });
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

describe('regraft release --backfill', () => {
  it('hands a part of the family’s past over, in order', async () => {
    await run('apply', await makeFile('past', []));
    service.work.script('past').source = ['M3', 'M2', 'M1'];
    const { out } = await run('release', 'past', '--backfill', '--from', 'M2');
    expect(out).toBe('past: handed over M2, M3');
    expect(await answerOf('release', 'past', '--backfill', '--to', 'M1')).toEqual({
      lineage: 'past',
      releases: ['M1'],
    });
    expect((await run('release', 'past', '--backfill', '--from', 'M9')).out).toBe(
      'past: nothing to hand over; the source has no release in that range',
    );
  });

  it('says that a release was not handed over because its content is known', async () => {
    await run('apply', await makeFile('twin', ['M1']));
    service.work.script('twin').instead.announceRelease = async () => ({ sameAs: 'M1' });
    expect((await run('release', 'twin', 'M1')).out).toBe(
      'twin: M1 was not handed over: its content is that of a release that is known already',
    );
  });

  it.each([
    [
      ['M1', '--backfill'],
      'regraft release: --backfill takes a range, not the one release M1; write --from M1 --to M1.',
    ],
    [['--from', 'M1'], 'regraft release: --from and --to bound a --backfill; add it, or name the one release.'],
    [[], 'regraft release: RELEASE is missing; for example: regraft release demo-desc M2'],
  ])('is wrong usage as %j', async (options, sentence) => {
    const { exitCode, err } = await run('release', 'past', ...options);
    expect([exitCode, err]).toEqual([2, expect.stringContaining(sentence)]);
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

  it('approve or reject a candidate that waits, once, and refuse one that does not', async () => {
    await run('apply', await makeFile('judged', ['M1', 'M2'], { gate: { approval: 'manual' } }));
    await untilAsked('judged', 'M1');
    expect((await run('status', 'judged')).out).toContain('`regraft approve judged M1` lets M1 go live');
    expect(await run('approve', 'judged', 'M2')).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/^No candidate of M2 waits for approval: .* \[APPROVAL_NOT_AWAITED\]$/),
    });
    expect(await run('approve', 'judged', 'M1', '--reason', 'looks right')).toEqual({
      exitCode: 0,
      out: 'judged M1: approved; it goes live',
      err: '',
    });
    await service.until('judged', 'M1', 'succeeded');
    expect((await run('approve', 'judged', 'M1')).out).toBe('judged M1: was approved already');
    expect((await run('reject', 'judged', 'M1')).err).toMatch(
      /^The candidate of M1 was approved by ada \(looks right\); .* \[APPROVAL_DECIDED\]$/,
    );
    expect((await run('why', 'judged', 'M1')).out).toContain('It was approved by ada (looks right).');

    await untilAsked('judged', 'M2');
    expect(await answerOf('reject', 'judged', 'M2')).toEqual({ lineage: 'judged', release: 'M2', changed: true });
    await service.until('judged', 'M2', 'succeeded');
    expect((await run('why', 'judged', 'M2')).out).toMatch(/^M2 is done and was not published; M1 is live\./);
  });

  it('stop waiting for a transfer at Ctrl-C, which goes on', async () => {
    await run('apply', await makeFile('carried', ['M1', 'M2']));
    await service.until('carried', 'M2', 'succeeded');
    const script = service.work.script('carried');
    script.instead.recycleModel = () => Promise.reject(failure('STORE_BUSY', { retryable: true }));
    const isRecycling = () => Promise.resolve(script.story('M1+ΔM2', 'transfer-only').includes('recycleModel'));
    // A process of its own: workers take Ctrl-C for theirs.
    const command = [path.join(PROJECT_ROOT, 'bin', 'regraft.mjs'), 'transfer', 'carried'];
    const child = spawn(process.execPath, [...command, '--from', 'M2', '--onto', 'M1'], { env: process.env });
    const said = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    await waitAtLength('it recycles', isRecycling);
    child.kill('SIGINT');
    const [out, err] = await said;
    expect([child.exitCode, out, err]).toEqual([
      130,
      'It is a run of its own. Ctrl-C ends the waiting alone: the transfer goes on, and the same command waits for it again.\n',
      'Stopped waiting: the transfer goes on, and the same command waits for it again. [INTERRUPTED]\n',
    ]);
    expect((await service.lineages.state('carried')).transfers).toMatchObject([{ status: 'running' }]);
    expect((await run('cancel', 'carried', 'M1+ΔM2')).out).toBe('carried M1+ΔM2: is being cancelled');
  });

  it('roll back and forward, and restart, each once', async () => {
    await run('apply', await makeFile('turned', ['M1', 'M2']));
    await service.until('turned', 'M2', 'succeeded');
    expect(await run('rollback', 'turned', '--to', 'M7')).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/what it can be rolled back to: M1, M2\. \[ROLLBACK_IMPOSSIBLE\]$/),
    });
    expect((await run('rollback', 'turned', '--reason', 'complaints')).out).toBe('turned: M1 is live again');
    expect(await answerOf('rollback', 'turned')).toEqual({ lineage: 'turned', changed: false, live: 'M1' });
    expect((await run('status', 'turned')).out).toContain('rolled back from M2');
    expect((await run('why', 'turned', 'M2')).out).toContain('ada: rollback M2 to M1 (complaints)');
    expect((await run('rollback', 'turned', '--to', 'M2')).out).toBe('turned: M2 is live again');

    expect((await run('restart', 'turned', '--reason', 'plain wins')).out).toBe(
      'turned: the next release starts from the base',
    );
    expect((await run('restart', 'turned')).out).toBe('turned: that was ordered already');
    expect((await run('status', 'turned')).out).toContain(
      'Restart: the next release starts from the base, as ada asked (plain wins)',
    );
    await service.observe('turned', 3);
    await service.until('turned', 'M3', 'succeeded');
    expect((await run('why', 'turned', 'M3')).out).toContain('ada asked for a restart (plain wins)');
  });
});
