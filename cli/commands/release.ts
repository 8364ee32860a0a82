import { UsageError, type Command, type CommandContext } from '../command.ts';
import { textOption } from '../text-option.ts';
import { waitBeside } from '../wait-beside.ts';
import { withLineages } from '../with-lineages.ts';

export const release: Command = {
  name: 'release',
  summary: 'Announce a release by hand instead of waiting for the watch, or hand over a family’s past in order',
  positionals: ['NAME', '[RELEASE]'],
  options: {
    backfill: { type: 'boolean', help: 'every release of the family in order, also those before `since`' },
    from: { type: 'string', value: 'RELEASE', help: 'with --backfill: the first one (default the oldest)' },
    to: { type: 'string', value: 'RELEASE', help: 'with --backfill: the last one (default the newest)' },
  },
  examples: [
    'regraft release demo-desc M2',
    'regraft release olmo2-math --backfill --to stage1-step600000-tokens2517B',
  ],
  async run(context) {
    const [name = '', only] = context.positionals;
    const backfill = backfillOf(context, only);
    const found = await withLineages(context, (lineages) =>
      waitBeside('the look at the source', () => lineages.watchNow(name, only, backfill)),
    );
    const said = found.length === 0 ? nothing(only) : `handed over ${found.join(', ')}`;
    context.answer(`${name}: ${said}`, { lineage: name, releases: found });
  },
};

/** The range to hand over; undefined when one release is announced. @throws UsageError */
function backfillOf(
  context: CommandContext,
  only: string | undefined,
): { readonly from?: string; readonly to?: string } | undefined {
  const [from, to] = [textOption(context, 'from'), textOption(context, 'to')];
  if (context.options['backfill'] === true) {
    if (only === undefined) return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
    throw new UsageError(
      `regraft release: --backfill takes a range, not the one release ${only}; write --from ${only} --to ${only}.`,
    );
  }
  if (from !== undefined || to !== undefined)
    throw new UsageError('regraft release: --from and --to bound a --backfill; add it, or name the one release.');
  if (only !== undefined) return undefined;
  throw new UsageError('regraft release: RELEASE is missing; for example: regraft release demo-desc M2');
}

function nothing(only: string | undefined): string {
  if (only === undefined) return 'nothing to hand over; the source has no release in that range';
  return `${only} was not handed over: its content is that of a release that is known already`;
}
