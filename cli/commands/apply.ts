import { loadLineageSpec } from '../../configs/load.ts';
import type { Command } from '../command.ts';
import { orderOf, REASON, withLineages } from '../with-lineages.ts';

export const apply: Command = {
  name: 'apply',
  summary: 'Create or change a lineage and schedule its watch; a change applies from the next release on',
  positionals: ['FILE'],
  options: REASON,
  examples: ['regraft apply configs/demo.yaml', 'regraft apply lineage.yaml --reason "longer training"'],
  async run(context) {
    const spec = await loadLineageSpec(context.positionals[0] ?? '', context.home);
    const { changed } = await withLineages(context, (lineages) => lineages.apply(spec, orderOf(context)));
    const how = changed ? 'changed; the change applies from the next release on' : 'in place';
    context.answer(
      `${spec.name}: ${how}; it is watched every ${spec.family.pollEvery}. \`regraft status ${spec.name}\` shows it.`,
      {
        lineage: spec.name,
        changed,
      },
    );
  },
};
