import { describe, expect, it } from 'vitest';
import { digestOf } from '../support/lineage-values.ts';
import { judgeChaos, type ExpectedChaos, type ObservedChaos } from './judge-chaos.ts';

const NAMES = ['M1', 'M2', 'M3'];
const EXPECTED: ExpectedChaos = {
  releases: NAMES.map((name) => ({ name, good: name !== 'M3' })),
  arm: 'iterative',
  steps: 4,
};
const LIVE = digestOf('candidate of M2');

const KEPT: ObservedChaos = {
  releases: NAMES.map((name) => ({
    name,
    status: 'succeeded',
    recordDigest: digestOf(`release ${name}`),
    arms: [{ arm: 'iterative', status: 'succeeded', recordDigest: digestOf(`run ${name}`) }],
  })),
  runs: NAMES.map((name) => ({
    digest: digestOf(`run ${name}`),
    release: name,
    arm: 'iterative',
    gate: name === 'M3' ? 'reject' : 'pass',
    candidateDigest: digestOf(`candidate of ${name}`),
    steps: [1, 2, 3, 4],
  })),
  releaseRecords: NAMES.map((name) => ({ digest: digestOf(`release ${name}`), release: name })),
  trainingFolders: NAMES.map((release) => ({ release, name: 'iterative-0123' })),
  live: { state: LIVE, ref: LIVE, alias: LIVE },
  liveSkill: 3,
  unreferenced: [],
  missing: [],
  processes: [],
  leftovers: [],
};

function without<Entry extends { readonly name?: string; readonly release?: string }>(
  entries: readonly Entry[],
  release: string,
): readonly Entry[] {
  return entries.filter((entry) => (entry.release ?? entry.name) !== release);
}

function changed<Entry extends { readonly name?: string; readonly release?: string }>(
  entries: readonly Entry[],
  release: string,
  fields: Partial<Entry>,
): readonly Entry[] {
  return entries.map((entry) => ((entry.release ?? entry.name) === release ? { ...entry, ...fields } : entry));
}

const M2 = KEPT.releases[1];
const RUN = KEPT.runs[1];
const short = (name: string): string => digestOf(name).slice(0, 12);

const BROKEN: readonly [string, Partial<ObservedChaos>, readonly string[]][] = [
  [
    'a release that is lost',
    { releases: without(KEPT.releases, 'M2'), runs: without(KEPT.runs, 'M2') },
    ['The lineage has the releases M1, M3, expected M1, M2, M3.'],
  ],
  [
    'a release that came twice',
    { releases: [...KEPT.releases, ...(M2 === undefined ? [] : [M2])] },
    ['The lineage has the releases M1, M2, M3, M2, expected M1, M2, M3.'],
  ],
  [
    'a release that failed',
    { releases: changed(KEPT.releases, 'M2', { status: 'failed' }) },
    ['M2 is failed (iterative succeeded) with a record, expected one outcome: iterative succeeded.'],
  ],
  [
    'a release with two outcomes',
    {
      releases: changed(KEPT.releases, 'M2', {
        arms: [...(M2?.arms ?? []), { arm: 'iterative', status: 'failed', recordDigest: null }],
      }),
    },
    [
      'M2 is succeeded (iterative succeeded, iterative failed) with a record, expected one outcome: iterative succeeded.',
    ],
  ],
  [
    'a release without a record',
    { releases: changed(KEPT.releases, 'M2', { recordDigest: null }) },
    ['M2 is succeeded (iterative succeeded) with no record, expected one outcome: iterative succeeded.'],
  ],
  [
    'a second record of a run',
    { runs: [...KEPT.runs, ...(RUN === undefined ? [] : [{ ...RUN, digest: digestOf('another') }])] },
    [
      `M2: its run records are ${short('run M2')}, ${short('another')} in the store, ${short('run M2')} in the lineage's state, expected the same one.`,
    ],
  ],
  [
    'a record of a run that the lineage does not name',
    { runs: changed(KEPT.runs, 'M2', { digest: digestOf('another') }) },
    [
      `M2: its run records are ${short('another')} in the store, ${short('run M2')} in the lineage's state, expected the same one.`,
    ],
  ],
  [
    'a second record of a release',
    { releaseRecords: [...KEPT.releaseRecords, { digest: digestOf('another'), release: 'M2' }] },
    [
      `M2: its release records are ${short('release M2')}, ${short('another')} in the store, ${short('release M2')} in the lineage's state, expected the same one.`,
    ],
  ],
  [
    'a second training',
    { trainingFolders: [...KEPT.trainingFolders, { release: 'M2', name: 'iterative-4567' }] },
    ['M2 has 2 training folders, expected 1.'],
  ],
  [
    'a step that is there twice',
    { runs: changed(KEPT.runs, 'M2', { steps: [1, 2, 2, 3, 4] }) },
    ['The curve of M2 has the steps 1 2 2 3 4, expected 1 2 3 4.'],
  ],
  [
    'a step that is lost',
    { runs: changed(KEPT.runs, 'M2', { steps: [1, 2, 4] }) },
    ['The curve of M2 has the steps 1 2 4, expected 1 2 3 4.'],
  ],
  [
    'a gate that let something bad pass',
    { runs: changed(KEPT.runs, 'M3', { gate: 'pass' }) },
    ['The gate of M3 is pass, expected reject.'],
  ],
  [
    'an alias that was not flipped',
    { live: { ...KEPT.live, alias: digestOf('candidate of M1') } },
    [`By its alias ${short('candidate of M1')} is live, expected ${short('candidate of M2')}, the candidate of M2.`],
  ],
  [
    'a ref that names what was rejected',
    { live: { ...KEPT.live, ref: digestOf('candidate of M3') } },
    [`By its ref ${short('candidate of M3')} is live, expected ${short('candidate of M2')}, the candidate of M2.`],
  ],
  [
    'a state that knows of nothing live',
    { live: { ...KEPT.live, state: null } },
    [`By its state nothing is live, expected ${short('candidate of M2')}, the candidate of M2.`],
  ],
  [
    'other weights than without disturbance',
    { liveSkill: 2.5 },
    ['The live model has the skill 2.5, expected 3 as without any disturbance.'],
  ],
  [
    'an artifact that nothing leads to',
    { unreferenced: ['artifact ab12'] },
    ['artifact ab12 is in the store and nothing leads to it.'],
  ],
  ['a blob that is gone', { missing: ['blob ab12'] }, ['blob ab12 is named in the store and not there.']],
  ['a process', { processes: ['node worker'] }, ['A process is left: node worker']],
  ['a file', { leftovers: ['a.partial-1'] }, ['a.partial-1 is left of work that is over.']],
];

describe('the judge of a chaos run', () => {
  it('finds nothing where every promise was kept', () => {
    expect(judgeChaos(EXPECTED, KEPT)).toEqual([]);
  });

  it.each(BROKEN)('finds %s', (_what, fields, problems) => {
    expect(judgeChaos(EXPECTED, { ...KEPT, ...fields })).toEqual(expect.arrayContaining([...problems]));
  });

  it.each(BROKEN.slice(5))('finds %s, and nothing beside it', (_what, fields, problems) => {
    expect(judgeChaos(EXPECTED, { ...KEPT, ...fields })).toEqual(problems);
  });
});
