import { loadLineageSpec } from '../../configs/load.ts';
import type { Applied } from '../../contracts/lineage-state.ts';
import type { Command } from '../command.ts';
import { orderOf, REASON, withLineages } from '../with-lineages.ts';

const SAID: Readonly<Record<Applied, string>> = {
  created: 'created',
  changed: 'changed; the change applies from the next release on',
  unchanged: 'in place as it was',
};

export const apply: Command = {
  name: 'apply',
  summary: 'Create or change a lineage and schedule its watch; a change applies from the next release on',
  positionals: ['FILE'],
  options: REASON,
  examples: ['regraft apply configs/demo.yaml', 'regraft apply lineage.yaml --reason "longer training"'],
  async run(context) {
    const spec = await loadLineageSpec(context.positionals[0] ?? '', context.home);
    const { applied } = await withLineages(context, (lineages) => lineages.apply(spec, orderOf(context)));
    context.answer(
      `${spec.name}: ${SAID[applied]}; it is watched every ${spec.family.pollEvery}. \`regraft status ${spec.name}\` shows it.`,
      { lineage: spec.name, applied },
    );
  },
};
