import { loadLineageSpec } from '../../configs/load.ts';
import { RegraftError } from '../../contracts/error.ts';
import type { Plan } from '../../workers/plan.ts';
import type { Command } from '../command.ts';

export const plan: Command = {
  name: 'plan',
  summary: 'Show what a lineage file would do, without doing it: releases in order, arms, steps, disk, blockers',
  positionals: ['FILE'],
  examples: ['regraft plan configs/demo.yaml', 'regraft plan lineage.yaml --json'],
  async run(context) {
    const [file = ''] = context.positionals;
    const spec = await loadLineageSpec(file, context.home);
    const { planLineage } = await import('../../workers/plan.ts');
    const result = await planLineage(spec);
    context.answer(describe(result), result);
    if (result.blockers.length > 0) {
      throw new RegraftError(
        'PLAN_BLOCKED',
        `${file} cannot run yet: ${String(result.blockers.length)} blocker${result.blockers.length === 1 ? '' : 's'}, listed above.`,
      );
    }
  },
};

function describe(plan: Plan): string {
  const releases = plan.releases.map(
    ({ name, parameters, sizeBytes, trainings }, index) =>
      `  ${String(index + 1)}. ${name}: ${parameters.toLocaleString('en')} parameters, ${megabytes(sizeBytes)}, ${String(trainings)} training${trainings === 1 ? '' : 's'}`,
  );
  return [
    `${plan.lineage}: arms ${plan.arms.join(', ')}`,
    releases.length === 0 ? '  no release yet' : `Releases in order:\n${releases.join('\n')}`,
    ...(plan.ignored.length > 0 ? [`Ignored, the name does not follow the pattern: ${plan.ignored.join(', ')}`] : []),
    `Fine-tuning steps: ${plan.steps.toLocaleString('en')}; disk in the store, at most: ${megabytes(plan.diskBytes)}`,
    ...plan.blockers.map((blocker) => `Blocker: ${blocker}`),
  ].join('\n');
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
