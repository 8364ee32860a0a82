import type { Report, ReportArm } from '../../contracts/report.schema.ts';
import { tableText } from '../text/table.ts';
import { scoreAt, shortDigest } from '../text/words.ts';
import { sparkline } from './sparkline.ts';

/** The report for a terminal: a table, curves, what went live, and what the numbers do not say. */
export function reportText(report: Report): string {
  if (report.releases.length === 0) return `${report.lineage}: no release is concluded yet.`;
  return [
    `${report.lineage}: score on suite ${report.suite}, by release and arm`,
    tableOf(report),
    curvesOf(report),
    ...failuresOf(report),
    ...passedOver(report),
    publishedOf(report),
    carriedSentence(report),
  ].join('\n\n');
}

function tableOf(report: Report): string {
  const table = tableText(
    ['release', 'arm', 'starts from', 'step 0', 'best', 'final', 'steps to target', 'saving', 'carried'],
    report.arms.map(cellsOf),
  );
  return `${table}
* production arm. Target: the final score of plain at the same release; without a plain arm, of the release before. Saving: 1 − steps to
target ÷ the steps that the target itself took.`;
}

function cellsOf(arm: ReportArm): readonly string[] {
  return [
    arm.release,
    `${arm.arm}${arm.production ? ' *' : ''}${arm.sharedWith === null ? '' : ` (as ${arm.sharedWith})`}`,
    arm.sourceRelease === null ? 'the base' : `Δ of ${arm.sourceRelease}`,
    score(arm.curve[0]?.score ?? 0),
    scoreAt(arm.best),
    score(arm.final.score),
    stepsOf(arm),
    savingOf(arm),
    String(arm.stepsCarried),
  ];
}

function stepsOf({ target }: ReportArm): string {
  if (target === null) return 'no target';
  const { reference, steps } = target;
  const whose = reference.kind === 'previous' ? ` of ${reference.release}` : '';
  return steps === null ? `not reached${whose}` : `${String(steps)} (to ${score(reference.score)}${whose})`;
}

function savingOf({ target }: ReportArm): string {
  const saving = target?.saving ?? null;
  return saving === null ? '–' : `${(100 * saving).toFixed(0)} %`;
}

/** One line of bars an arm, all on the scale from 0 to 1. */
function curvesOf(report: Report): string {
  const lines = [`Score by step, from 0 to 1, one bar an evaluation (steps ${stepsRange(report)})`];
  for (const { name } of report.releases) {
    for (const arm of report.arms.filter(({ release, sharedWith }) => release === name && sharedWith === null)) {
      const scores = arm.curve.map((point) => point.score);
      const bars = sparkline(scores, { least: 0, most: 1 });
      lines.push(`  ${name} ${arm.arm.padEnd(9)} ${score(scores[0] ?? 0)} ${bars} ${score(arm.final.score)}`);
    }
  }
  return lines.join('\n');
}

function stepsRange(report: Report): string {
  const steps = report.arms[0]?.curve.map(({ step }) => step) ?? [];
  return `${String(steps[0] ?? 0)} to ${String(steps.at(-1) ?? 0)}`;
}

function failuresOf(report: Report): readonly string[] {
  if (report.failures.length === 0) return [];
  const lines = report.failures.map(({ release, arm, code, message }) => `  ${release} ${arm}: ${message} [${code}]`);
  return [`Failed:\n${lines.join('\n')}`];
}

/** Releases that have no curve, or one that was cut short, because of another. */
function passedOver({ releases }: Report): readonly string[] {
  const lines = releases.flatMap(({ name, status, note }) => {
    if (status === 'superseded') return [`  ${name}: superseded by a newer release`];
    if (status === 'cancelled') return [`  ${name}: cancelled`];
    return status === 'skipped' ? [`  ${name}: skipped${note === null ? '' : `, ${note}`}`] : [];
  });
  return lines.length === 0 ? [] : [`Not worked to the end:\n${lines.join('\n')}`];
}

function publishedOf(report: Report): string {
  if (report.published.length === 0) return 'Published: nothing.';
  const lines = report.published.map(
    ({ release, target, candidateDigest }) => `  ${release}: ${shortDigest(candidateDigest)} to ${target}`,
  );
  return `Published:\n${lines.join('\n')}`;
}

/** What recycling saves is work that was paid for before; a report that hides this is not honest. */
export function carriedSentence(report: Report): string {
  const carried = Math.max(0, ...report.arms.map(({ stepsCarried }) => stepsCarried));
  const steps = report.provenance.spec.finetune.steps;
  return carried === 0
    ? 'No arm started from an earlier Δ yet, so there is nothing to compare.'
    : [
        `What the saving is: fine-tuning steps carried over from earlier releases (up to ${String(carried)} of them, against`,
        `${String(steps)} steps of one training), not a better way to learn: plain fine-tuning with the carried steps added`,
        'would end about where the recycled arms end. How large it looks depends on how far plain is from converged.',
      ].join('\n');
}

function score(value: number): string {
  return value.toFixed(3);
}
