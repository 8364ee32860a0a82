import { loadLineageSpec } from '../../configs/load.ts';
import type { Applied, SpecChange } from '../../contracts/lineage-state.ts';
import type { LineageSpec } from '../../contracts/lineage-spec.schema.ts';
import type { Command, CommandContext } from '../command.ts';
import { changesText } from '../text/changes-text.ts';
import { orderOf, REASON, withLineages } from '../with-lineages.ts';

const SAID: Readonly<Record<Applied, string>> = {
  created: 'created',
  changed: 'changed',
  unchanged: 'in place as it was',
};

export const apply: Command = {
  name: 'apply',
  summary: 'Create or change a lineage and schedule its watch; says first what changes, and from when on',
  positionals: ['FILE'],
  options: { ...REASON, 'dry-run': { type: 'boolean', help: 'only say what would change' } },
  examples: [
    'regraft apply configs/demo.yaml',
    'regraft apply lineage.yaml --dry-run',
    'regraft apply lineage.yaml --reason "longer training"',
  ],
  async run(context) {
    const spec = await loadLineageSpec(context.positionals[0] ?? '', context.home);
    await withLineages(context, async (lineages) => {
      const changes = await lineages.changes(spec);
      if (context.options['dry-run'] === true) {
        context.answer(wouldBe(spec, changes), {
          lineage: spec.name,
          exists: changes !== null,
          changes: changes ?? [],
        });
        return;
      }
      if (changes !== null && changes.length > 0) context.say(changesText(changes));
      const { applied } = await lineages.apply(spec, orderOf(context));
      tell(context, spec, applied, changes ?? []);
    });
  },
};

function wouldBe({ name }: LineageSpec, changes: readonly SpecChange[] | null): string {
  if (changes === null) return `${name}: would be created`;
  return changes.length === 0 ? `${name}: nothing would change` : `${name} would change.\n${changesText(changes)}`;
}

function tell(context: CommandContext, spec: LineageSpec, applied: Applied, changes: readonly SpecChange[]): void {
  context.answer(
    `${spec.name}: ${SAID[applied]}; it is watched every ${spec.family.pollEvery}. \`regraft status ${spec.name}\` shows it.`,
    { lineage: spec.name, applied, changes },
  );
}
