import type { Command } from '../command.ts';
import { overviewText, statusText } from '../text/status-text.ts';
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
    if (name === undefined) context.answer(overviewText(states), states);
    else for (const state of states) context.answer(statusText(state), state);
  },
};
