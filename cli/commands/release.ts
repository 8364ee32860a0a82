import type { Command } from '../command.ts';
import { withLineages } from '../with-lineages.ts';

export const release: Command = {
  name: 'release',
  summary: 'Announce a release by hand instead of waiting for the watch',
  positionals: ['NAME', 'RELEASE'],
  examples: ['regraft release demo-desc M2'],
  async run(context) {
    const [name = '', wanted = ''] = context.positionals;
    const found = await withLineages(context, (lineages) => lineages.watchNow(name, wanted));
    context.answer(`${name}: handed over ${found.join(', ')}`, { lineage: name, releases: found });
  },
};
