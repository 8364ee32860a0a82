import { RegraftError } from '../../contracts/error.ts';
import type { Command } from '../command.ts';
import { readRecords } from '../report/read-records.ts';
import { whyText } from '../text/why-text.ts';
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
    const records = await readRecords(entry, context.home);
    context.answer(whyText(state, entry, records), { ...entry, records: Object.fromEntries(records) });
  },
};
