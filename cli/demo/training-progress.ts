import type { LineageState } from '../../contracts/lineage-state.ts';

/** One line about what runs right now: each arm's stage, and its step and score where the metrics page has them. */
export function progressLine(state: LineageState, metricsPage: string): string {
  const running = state.releases.find(({ status }) => status === 'running');
  if (running === undefined) return 'waiting for the next release';
  const { name } = running.release;
  const arms = running.arms.filter(({ status }) => status === 'running');
  const parts = arms.map(({ arm, stage }) => {
    const value = (metric: string): number | null =>
      sampleOf(metricsPage, metric, { lineage: state.spec.name, release: name, arm });
    const step = value('regraft_train_step');
    if (stage !== 'finetune' || step === null) return `${arm} ${stage ?? 'queued'}`;
    const score = value('regraft_evaluation_score');
    return `${arm} step ${String(step)} of ${String(state.spec.finetune.steps)}${score === null ? '' : `, score ${score.toFixed(3)}`}`;
  });
  return `${name}: ${parts.length === 0 ? 'starting' : parts.join(' · ')}`;
}

/** The value of the first sample of a metric that carries these labels; null when the page has none. */
function sampleOf(page: string, metric: string, labels: Readonly<Record<string, string>>): number | null {
  const line = page
    .split('\n')
    .find(
      (candidate) =>
        candidate.startsWith(`${metric}{`) &&
        Object.entries(labels).every(([name, value]) => candidate.includes(`${name}="${value}"`)),
    );
  return line === undefined ? null : Number(line.slice(line.lastIndexOf(' ') + 1));
}
