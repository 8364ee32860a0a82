import { describe, expect, it } from 'vitest';
import { buildReport } from '../../../cli/report/build-report.ts';
import { reportText } from '../../../cli/report/report-text.ts';
import { reportSchema } from '../../../contracts/report.schema.ts';
import { digestOf, makeArm } from '../../support/lineage-values.ts';
import { concludedEntry, makeState, recordedRelease } from '../../support/report-values.ts';

describe('buildReport', () => {
  const recorded = recordedRelease();
  const report = buildReport(makeState([recorded.entry]), [recorded]);

  it('has a row for every arm, also for one that shares another’s work', () => {
    expect(
      report.arms.map(({ release, arm, sharedWith, production }) => [release, arm, sharedWith, production]),
    ).toEqual([
      ['M2', 'iterative', null, true],
      ['M2', 'direct', 'iterative', false],
      ['M2', 'plain', null, false],
    ]);
    expect(report.arms[1]?.curve).toEqual(report.arms[0]?.curve);
    expect(reportSchema.parse(report)).toEqual(report);
  });

  it('takes every number from the records', () => {
    expect(report.arms[0]).toEqual({
      release: 'M2',
      arm: 'iterative',
      production: true,
      sharedWith: null,
      sourceDelta: digestOf('delta'),
      sourceRelease: 'M1',
      curve: [
        { step: 0, score: 0.4, loss: 1.5 },
        { step: 50, score: 0.9, loss: 0.2 },
        { step: 100, score: 0.8, loss: 0.3 },
      ],
      best: { step: 50, score: 0.9 },
      final: { step: 100, score: 0.8 },
      target: { reference: { kind: 'plain', release: 'M2', score: 0.7, steps: 100 }, steps: 50, saving: 0.5 },
      stepsToTargetLoss: 50,
      stepsCarried: 100,
      candidateDigest: digestOf('model at 50'),
      deltaDigest: digestOf('new delta'),
      recordDigest: digestOf('record of iterative'),
      gate: 'passed: nothing is published yet',
      choice: null,
      convergence: null,
    });
  });

  it('names what went live once, though two arms share the run that published it', () => {
    expect(report.published).toHaveLength(1);
    expect(report.published[0]).toMatchObject({ release: 'M2', candidateDigest: digestOf('model at 50') });
  });

  it('says where the numbers come from, each source once', () => {
    expect(report.provenance).toMatchObject({
      regraftVersions: ['0.1.0'],
      harnesses: ['onnx/1'],
      suiteDigests: [digestOf('suite')],
      datasetDigests: [digestOf('dataset')],
    });
  });

  it.each(['skipped', 'superseded', 'cancelled'] as const)(
    'lists a release that was %s, and no arm of it',
    (status) => {
      const entry = concludedEntry({ status, arms: [], recordDigest: digestOf('release record') });
      const empty = buildReport(makeState([entry]), [
        { entry, record: { ...recorded.record, status, arms: [] }, runs: new Map() },
      ]);
      expect(empty.releases).toEqual([
        { name: 'M2', digest: digestOf('M2'), status, note: null, recordDigest: digestOf('release record') },
      ]);
      expect([empty.arms, empty.failures, empty.published]).toEqual([[], [], []]);
      expect(reportSchema.parse(empty)).toEqual(empty);
      expect(reportText(empty)).toContain('Published: nothing.');
    },
  );

  it('reads a release long past from its record, though its arms are no longer in the state', () => {
    const long = { ...recorded, entry: { ...recorded.entry, arms: [] } };
    expect(buildReport(makeState([long.entry]), [long])).toEqual(report);
  });

  it('lists a failed arm with its code, and a release without a record', () => {
    const failure = { code: 'TRAINER_DIVERGED', message: 'Training stopped.' };
    const entry = concludedEntry({ status: 'failed', arms: [makeArm({ status: 'failed', failure })] });
    const failed = buildReport(makeState([entry]), [{ entry, record: null, runs: new Map() }]);
    expect(failed.failures).toEqual([{ release: 'M2', arm: 'iterative', ...failure }]);
    expect(failed.releases).toEqual([
      { name: 'M2', digest: digestOf('M2'), status: 'failed', note: null, recordDigest: null },
    ]);
    expect(failed.arms).toEqual([]);
  });
});
