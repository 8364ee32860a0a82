import Table from 'cli-table3';
import type { ArmState, LineageState, ReleaseState } from '../../contracts/lineage-state.ts';
import type { Command } from '../command.ts';
import { withLineages } from '../with-lineages.ts';

export const status: Command = {
  name: 'status',
  summary: 'What every lineage, or one, is doing',
  positionals: ['[NAME]'],
  examples: ['regraft status', 'regraft status demo-desc', 'regraft status demo-desc --json'],
  async run(context) {
    const [name] = context.positionals;
    const states = await withLineages(context, async (lineages) => {
      const names = name === undefined ? await lineages.list() : [name];
      return Promise.all(names.map((each) => lineages.state(each)));
    });
    if (name === undefined) context.answer(overviewOf(states), states);
    else for (const state of states) context.answer(detailsOf(state), state);
  },
};

function overviewOf(states: readonly LineageState[]): string {
  if (states.length === 0) return 'No lineage yet; `regraft apply FILE` creates one.';
  const table = new Table({
    head: ['lineage', 'strategy', 'releases', 'now', 'published'],
    style: { head: [], border: [] },
  });
  for (const state of states) {
    const done = state.releases.filter(({ status: release }) => release === 'succeeded').length;
    table.push([
      state.spec.name,
      state.spec.strategy,
      `${String(done)} of ${String(state.releases.length)} done`,
      nowOf(state),
      publishedOf(state),
    ]);
  }
  return table.toString();
}

function detailsOf(state: LineageState): string {
  const table = new Table({
    head: ['release', 'arm', 'state', 'starts from', 'step 0', 'best', 'final', 'steps'],
    style: { head: [], border: [] },
  });
  for (const release of state.releases) {
    if (release.arms.length === 0) table.push([release.release.name, '', release.status, '', '', '', '', '']);
    for (const arm of release.arms) table.push(rowOf(release, arm));
  }
  return [
    `${state.spec.name}: ${nowOf(state)}; published: ${publishedOf(state)}`,
    state.releases.length === 0
      ? `No release yet in ${state.spec.family.folder}; it is looked at every ${state.spec.family.pollEvery}.`
      : table.toString(),
    ...state.log.slice(-3).map((entry) => `${entry.at} ${entry.actor}: ${entry.what} (${entry.reason})`),
  ].join('\n');
}

function rowOf({ release }: ReleaseState, arm: ArmState): string[] {
  const source = arm.source === null ? 'the base' : `Δ of ${arm.source.fromRelease}`;
  const { result } = arm;
  const state = arm.status === 'shared' ? `as ${arm.sharedWith ?? ''}` : arm.stage !== null ? arm.stage : arm.status;
  const scores =
    result === null
      ? ['', '', '', '']
      : [
          result.best.step === 0 ? 'best' : '',
          `${result.best.score.toFixed(3)} @${String(result.best.step)}`,
          result.final.score.toFixed(3),
          String(result.stepsInDelta),
        ];
  return [release.name, arm.arm, arm.failure === null ? state : `${state}: ${arm.failure.code}`, source, ...scores];
}

function nowOf(state: LineageState): string {
  if (state.paused !== null) return `paused by ${state.paused.actor}: ${state.paused.reason}`;
  const running = state.releases.find((entry) => entry.status === 'running');
  if (running === undefined) return 'waiting for a release';
  const arms = running.arms
    .filter((arm) => arm.status === 'running')
    .map((arm) => `${arm.arm} ${arm.stage ?? ''}`.trim());
  return `${running.release.name}: ${arms.join(', ')}`;
}

function publishedOf({ published }: LineageState): string {
  return published === null ? 'nothing yet' : `${published.release} (${published.candidateDigest.slice(0, 12)})`;
}
