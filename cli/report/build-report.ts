import type { LineageState, ReleaseState } from '../../contracts/lineage-state.ts';
import type { Report, ReportArm } from '../../contracts/report.schema.ts';
import type { ArmSummary, EvaluatedStep, ReleaseRecord, RunRecord } from '../../contracts/run-record.schema.ts';

/** A concluded release with the records that its state names. */
export interface RecordedRelease {
  readonly entry: ReleaseState;
  /** Null: none could be written, or none was in the days when no arm of it succeeded. */
  readonly record: ReleaseRecord | null;
  /** Run records by digest: those that the release record's arms name. */
  readonly runs: ReadonlyMap<string, RunRecord>;
}

/** Lays a lineage's records out as one report. Selects and renames; every number is a record's own. */
export function buildReport(state: LineageState, releases: readonly RecordedRelease[]): Report {
  const rows = releases.flatMap(rowsOf);
  const runs = rows.map(({ run }) => run);
  const targets = runs.flatMap(({ final }) => final.suites.slice(0, 1));
  return {
    schema: 'regraft.report/1',
    lineage: state.spec.name,
    suite: state.spec.evaluate[0]?.name ?? '',
    releases: releases.flatMap(({ entry }) => releaseOf(entry)),
    arms: rows.map(({ entry, summary, run }) => armOf(entry, summary, run)),
    failures: releases.flatMap(({ entry }) => failuresOf(entry)),
    published: rows.filter(({ summary }) => summary.sharedWith === null).flatMap(({ run }) => run.publications),
    provenance: {
      spec: state.spec,
      regraftVersions: distinct(runs.map(({ regraftVersion }) => regraftVersion)),
      harnesses: distinct(targets.map(({ harness }) => harness)),
      suiteDigests: distinct(targets.map(({ suiteDigest }) => suiteDigest)),
      datasetDigests: distinct(runs.flatMap(({ training }) => training?.datasetDigest ?? [])),
    },
  };
}

/** Nothing for one that is not concluded. */
function releaseOf({ release, status, note, recordDigest }: ReleaseState): Report['releases'] {
  if (status === 'waiting' || status === 'running') return [];
  return [{ name: release.name, digest: release.digest, status, note: note ?? null, recordDigest }];
}

interface Row {
  readonly entry: ReleaseState;
  readonly summary: ArmSummary;
  readonly run: RunRecord;
}

function rowsOf({ entry, record, runs }: RecordedRelease): readonly Row[] {
  return (record?.arms ?? []).flatMap((summary) => {
    const run = runs.get(summary.recordDigest);
    return run === undefined ? [] : [{ entry, summary, run }];
  });
}

function armOf({ release }: ReleaseState, summary: ArmSummary, run: RunRecord): ReportArm {
  return {
    ...summary,
    release: release.name,
    production: run.production && summary.sharedWith === null,
    sourceDelta: run.source?.deltaDigest ?? null,
    sourceRelease: run.source?.fromRelease ?? null,
    curve: run.evaluations.map((evaluated) => ({ ...pointOf(evaluated), loss: lossOf(evaluated) })),
    best: pointOf(run.best),
    final: pointOf(run.final),
    candidateDigest: run.candidateDigest,
    deltaDigest: run.deltaDigest,
    ...decisionsOf(summary, run),
  };
}

/** In a sentence each; an arm that shared another's work was not judged itself. */
function decisionsOf(
  { sharedWith }: ArmSummary,
  { choice, convergence, gate }: RunRecord,
): Pick<ReportArm, 'choice' | 'convergence' | 'gate'> {
  const judged = sharedWith === null ? gate : null;
  return {
    choice: choice?.reason ?? null,
    convergence: convergence?.reason ?? null,
    gate: judged?.sentence ?? null,
  };
}

function pointOf({ step, suites }: EvaluatedStep): { readonly step: number; readonly score: number } {
  return { step, score: suites[0]?.score ?? 0 };
}

function lossOf({ suites }: EvaluatedStep): number | null {
  return suites[0]?.lossNats ?? null;
}

function failuresOf({ release, arms }: ReleaseState): Report['failures'] {
  return arms.flatMap(({ arm, failure }) => (failure === null ? [] : [{ release: release.name, arm, ...failure }]));
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}
