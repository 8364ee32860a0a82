import type { ArmState, LineageState, ReleaseState } from '../../contracts/lineage-state.ts';
import { RegraftError } from '../../contracts/error.ts';
import type { Command } from '../command.ts';
import { withLineages } from '../with-lineages.ts';

export const why: Command = {
  name: 'why',
  summary: 'Tell the story of one release: what was done with it, and why it is or is not published',
  positionals: ['NAME', 'RELEASE'],
  examples: ['regraft why demo-desc M3', 'regraft why demo-desc M3 --json'],
  async run(context) {
    const [name = '', wanted = ''] = context.positionals;
    const state = await withLineages(context, (lineages) => lineages.state(name));
    const entry = state.releases.find(({ release }) => release.name === wanted);
    if (entry === undefined) {
      const known = state.releases.map(({ release }) => release.name);
      throw new RegraftError(
        'RELEASE_UNKNOWN',
        `Lineage ${name} knows no release ${wanted}; it knows ${known.length === 0 ? 'none yet' : known.join(', ')}.`,
      );
    }
    context.answer(storyOf(entry, state), entry);
  },
};

function storyOf(entry: ReleaseState, state: LineageState): string {
  const { release } = entry;
  const ahead = state.releases.filter(({ status }) => status === 'running' || status === 'waiting').indexOf(entry);
  const waiting =
    entry.status === 'waiting'
      ? [
          `It waits; ${String(Math.max(ahead, 0))} before it in line${state.paused === null ? '' : ', and the lineage is paused'}.`,
        ]
      : [];
  return [
    `${release.name} is ${entry.status}.`,
    `It was first seen ${release.firstSeenAt} at ${release.uri} and pinned as ${release.digest.slice(0, 12)}.`,
    ...waiting,
    ...(entry.retries > 0 ? [`It was retried ${String(entry.retries)} times.`] : []),
    ...entry.arms.flatMap((arm) => armStory(arm, arm.arm === state.spec.strategy)),
    ...state.log
      .filter(({ what }) => what.endsWith(` ${release.name}`))
      .map((line) => `${line.at} ${line.actor} ordered: ${line.what} (${line.reason}).`),
    entry.recordDigest === null
      ? 'No comparison was recorded.'
      : `The comparison of its arms is record ${entry.recordDigest.slice(0, 12)}.`,
  ].join('\n');
}

function armStory(arm: ArmState, production: boolean): readonly string[] {
  const head = `- ${arm.arm}${production ? ' (production)' : ''}: ${arm.sourceReason}.`;
  if (arm.status === 'shared')
    return [`${head} Same start as ${arm.sharedWith ?? ''}, so that arm did the work for both.`];
  if (arm.failure !== null) return [`${head} It failed: ${arm.failure.message} [${arm.failure.code}]`];
  if (arm.result === null)
    return [`${head} It is ${arm.status}${arm.stage === null ? '' : `, in stage ${arm.stage}`}.`];
  const { best, final, gateSentence, stepsInDelta, recordDigest } = arm.result;
  const scores = `best ${best.score.toFixed(3)} at step ${String(best.step)}, last ${final.score.toFixed(3)} at step ${String(final.step)}; its Δ holds ${String(stepsInDelta)} fine-tuning steps`;
  const gate =
    gateSentence === null
      ? ''
      : ` Gate ${gateSentence}; ${arm.result.published === null ? 'it was not published' : 'it was published'}.`;
  return [`${head} It succeeded: ${scores}.${gate} Record ${recordDigest.slice(0, 12)}.`];
}
