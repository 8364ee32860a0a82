import type { Command } from '../command.ts';
import { textOption } from '../text-option.ts';
import { readReport } from '../report/read-report.ts';
import { reportText } from '../report/report-text.ts';
import { writeReport } from '../report/write-report.ts';
import { withLineages } from '../with-lineages.ts';

export const report: Command = {
  name: 'report',
  summary: 'Compare the arms of every concluded release: scores, steps to target, curves, what went live',
  positionals: ['NAME'],
  options: {
    html: { type: 'string', value: 'FILE', help: 'write one self-contained page with the curves' },
    report: { type: 'string', value: 'FILE', help: 'write the same as JSON' },
  },
  examples: ['regraft report demo-desc', 'regraft report demo-desc --html report.html --report report.json'],
  async run(context) {
    const [name = ''] = context.positionals;
    const state = await withLineages(context, (lineages) => lineages.state(name));
    const result = await readReport(state, context.home);
    context.answer(reportText(result), result);
    const files = { json: textOption(context, 'report'), html: textOption(context, 'html') };
    for (const file of await writeReport(result, files)) context.say(`Wrote ${file}`);
  },
};
