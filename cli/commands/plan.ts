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
    const result = await planLineage(spec, context.environment);
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
  const releases = plan.releases.map((release, index) => `  ${String(index + 1)}. ${describeRelease(release)}`);
  const [first] = plan.releases;
  return [
    `${plan.lineage}: arms ${plan.arms.join(', ')}`,
    releases.length === 0 ? '  no release yet' : `Releases in order:\n${releases.join('\n')}`,
    ...(plan.older.length > 0 ? [describeOlder(plan.older, first?.name)] : []),
    ...(plan.ignored.length > 0 ? [`Ignored:\n${plan.ignored.map(ignoredLine).join('\n')}`] : []),
    `Fine-tuning steps: ${plan.steps.toLocaleString('en')}; disk in the store, at most: ${megabytes(plan.diskBytes)}`,
    ...plan.blockers.map((blocker) => `Blocker: ${blocker}`),
  ].join('\n');
}

function describeRelease({ name, fields, parameters, sizeBytes, trainings }: Plan['releases'][number]): string {
  const facts = [
    ...(parameters === null ? [] : [`${parameters.toLocaleString('en')} parameters`]),
    sizeBytes === null ? 'not looked at' : megabytes(sizeBytes),
    `${String(trainings)} training${trainings === 1 ? '' : 's'}`,
  ];
  return `${name} (${fields}): ${facts.join(', ')}`;
}

function describeOlder(older: readonly string[], first: string | undefined): string {
  const begins = first === undefined ? '' : `; ${first} is the first that the watch takes`;
  return `Before \`since\`: ${older.join(', ')}${begins}; \`regraft release NAME --backfill\` takes them`;
}

function ignoredLine({ name, why }: Plan['ignored'][number]): string {
  return `  ${name}: ${why}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
