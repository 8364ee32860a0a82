import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LineageState, ReleaseState } from '../../../contracts/lineage-state.ts';
import { deltaResultOf } from '../../../policy/arm-result.ts';
import { findRelease, unrecordedOrders } from '../../../policy/lineage/state.ts';
import { compareReleases } from '../../../policy/order-releases.ts';
import { entryAt } from '../../support/lineages.ts';
import { eventsArbitrary, Story } from './story.ts';

const BACKLOGS = ['queue', 'latest', 'supersede'] as const;

/** Checks a claim over a few hundred stories of one backlog. */
function always(backlog: string, claim: (story: Story) => void): void {
  fc.assert(
    fc.property(eventsArbitrary, (events) => {
      claim(new Story(backlog, events));
    }),
    { numRuns: 150 },
  );
}

/** The release that an event began; undefined: none. */
function begunBy(before: LineageState, after: LineageState): ReleaseState | undefined {
  return after.releases.find(
    ({ release, status }) => status === 'running' && findRelease(before, release.name)?.status === 'waiting',
  );
}

/** Whether a release has to heed the restart that a lineage knows. */
function heedsRestart({ restart, releases }: LineageState, { release }: ReleaseState): boolean {
  const from = releases.find((entry) => entry.release.name === restart?.release);
  return from !== undefined && compareReleases(from.release, release) <= 0;
}

const namesOf = ({ releases }: LineageState): readonly string[] => releases.map(({ release }) => release.name);
const liveOf = ({ published }: LineageState) => published?.candidateDigest ?? null;

describe.each(BACKLOGS)('with the backlog `%s`, whatever happens in whatever order,', (backlog) => {
  it('no two releases are worked on at once, and a release once only unless it was retried', () => {
    always(backlog, ({ told, state, begun }) => {
      for (const { after } of told) {
        expect(after.releases.filter(({ status }) => status === 'running').length).toBeLessThanOrEqual(1);
      }
      for (const { release, retries } of state.releases) {
        expect(begun.filter((name) => name === release.name).length).toBeLessThanOrEqual(1 + retries);
      }
    });
  });

  it('nothing that was observed is lost, and releases stay in family order', () => {
    always(backlog, ({ told }) => {
      for (const { event, before, after } of told) {
        const seen = event.kind === 'observe' ? [`M${String(event.number)}`] : [];
        expect(new Set(namesOf(after))).toEqual(new Set([...namesOf(before), ...seen]));
        expect(after.releases).toEqual(
          [...after.releases].sort((left, right) => compareReleases(left.release, right.release)),
        );
      }
    });
  });

  it('what is live goes back to an older release by a rollback only', () => {
    always(backlog, ({ told }) => {
      for (const { event, before, after } of told) {
        if (event.kind === 'rollback' || liveOf(before) === liveOf(after) || before.published === null) continue;
        const [was, is] = [before.published.release, after.published?.release ?? ''];
        expect(compareReleases(entryAt(after, is).release, entryAt(after, was).release)).toBeGreaterThanOrEqual(0);
      }
    });
  });

  it('a Δ comes from an earlier release whose arm left it, never from one that failed or was cancelled', () => {
    always(backlog, ({ told }) => {
      for (const { before, after } of told) {
        const begun = begunBy(before, after);
        for (const { arm, source } of begun?.arms ?? []) {
          if (begun === undefined || source === null) continue;
          const from = entryAt(before, source.fromRelease);
          expect(compareReleases(from.release, begun.release)).toBeLessThan(0);
          expect(source.fromArm).toBe(arm === 'direct' ? 'plain' : arm);
          expect(deltaResultOf(source.fromArm, from.arms)?.deltaDigest).toBe(source.deltaDigest);
          expect(['running', 'waiting']).not.toContain(from.status);
          if (heedsRestart(after, begun)) expect(heedsRestart(after, from)).toBe(true);
        }
      }
    });
  });

  it('only what nobody asked for is passed over, with a note, and only where releases do not queue', () => {
    always(backlog, ({ told, state }) => {
      for (const { before, after } of told) {
        const passed = after.releases.filter(
          ({ release, status }) => status === 'skipped' && findRelease(before, release.name)?.status !== 'skipped',
        );
        for (const { note, wanted } of passed) {
          expect(backlog).not.toBe('queue');
          expect(wanted).toBeUndefined();
          expect(note).toContain(`(backlog: ${backlog})`);
        }
      }
      for (const { status, note, cancelling } of state.releases) {
        if (status !== 'skipped') expect(note).toBeUndefined();
        if (status !== 'running') expect(cancelling).toBeUndefined();
      }
    });
  });

  it('what somebody asked for has its turn first, where releases do not queue', () => {
    always(backlog, ({ told }) => {
      for (const { before, after } of told) {
        const begun = begunBy(before, after);
        const asked = before.releases.some(({ status, wanted }) => status === 'waiting' && wanted === true);
        if (begun !== undefined && asked && backlog !== 'queue') expect(begun.wanted).toBe(true);
      }
    });
  });

  it('the state is plain JSON', () => {
    always(backlog, ({ state }) => {
      expect(JSON.parse(JSON.stringify(state))).toStrictEqual(state);
    });
  });

  it('every entry of the log is in one release’s record, or has still to be', () => {
    always(backlog, ({ told, state, recorded }) => {
      const entries = told.flatMap(({ before, after }) => after.log.filter((entry) => !before.log.includes(entry)));
      expect([...recorded, ...unrecordedOrders(state)]).toEqual(entries);
    });
  });
});

it('stories are worth telling: they publish, roll back, supersede, skip, restart and retry', () => {
  const seen = new Set<string>();
  for (const backlog of BACKLOGS) {
    for (const events of fc.sample(eventsArbitrary, { numRuns: 200, seed: 1 })) {
      const { state, told, recorded } = new Story(backlog, events);
      for (const { status, retries } of state.releases) {
        seen.add(status);
        if (retries > 0) seen.add('retried');
      }
      if (told.some(({ event, before, after }) => event.kind === 'rollback' && before !== after))
        seen.add('rolled back');
      if (typeof state.restart?.release === 'string') seen.add('restarted');
      if (recorded.length > 0) seen.add('recorded');
    }
  }
  expect([...seen].sort()).toEqual([
    ...['cancelled', 'failed', 'recorded', 'restarted', 'retried', 'rolled back', 'running', 'skipped'],
    ...['succeeded', 'superseded', 'waiting'],
  ]);
});
