import path from 'node:path';
import { RegraftError } from '../../contracts/error.ts';
import { UsageError, type Command, type CommandContext } from '../command.ts';
import { DEMO_SIZES, type DemoSize } from '../demo/lab.ts';
import { createProgress } from '../demo/progress.ts';
import { wholeNumber } from '../numbers.ts';
import { readReport } from '../report/read-report.ts';
import { reportText } from '../report/report-text.ts';
import { writeReport } from '../report/write-report.ts';
import { textOption } from '../text-option.ts';

export const demo: Command = {
  name: 'demo',
  summary: 'See it work: four releases of a tiny base, one fine-tune kept current, three arms compared',
  positionals: [],
  options: {
    size: { type: 'string', value: 'SIZE', help: 'full, or smoke for the size of a test', default: 'full' },
    report: { type: 'string', value: 'FILE', help: 'write the report as JSON too' },
    'metrics-port': { type: 'string', value: 'PORT', help: 'port of /metrics; 0 takes a free one', default: '0' },
  },
  examples: ['regraft demo', 'regraft demo --report out.json', 'regraft demo --size smoke --home /tmp/demo'],
  async run(context) {
    const size = parseSize(context);
    const metricsPort = wholeNumber(context, 'metrics-port', 0);
    const { runDemo } = await import('../demo/run-demo.ts');
    const progress = createProgress(context.json ? { write: () => true } : process.stdout);
    const { spec, state } = await runDemo(context, { size, metricsPort }, progress);
    const report = await readReport(state, context.home);
    const html = path.join(context.home, DEMO_SIZES[size].folder, 'report.html');
    const written = await writeReport(report, { json: textOption(context, 'report'), html });
    context.answer(`\n${reportText(report)}\n\n${whereToLook(context, spec.name, written)}`, report);
    const failed = state.releases.filter(({ status }) => status !== 'succeeded').map(({ release }) => release.name);
    if (failed.length > 0) {
      throw new RegraftError('DEMO_RELEASE_FAILED', `Not every release ended well: ${failed.join(', ')}; see above.`);
    }
  },
};

function parseSize(context: CommandContext): DemoSize {
  const wanted = textOption(context, 'size') ?? '';
  if (wanted === 'full' || wanted === 'smoke') return wanted;
  throw new UsageError(`--size is \`${wanted}\`; there are ${Object.keys(DEMO_SIZES).join(' and ')}.`);
}

function whereToLook({ home }: CommandContext, lineage: string, written: readonly string[]): string {
  const at = home === path.resolve('.regraft') ? '' : ` --home ${fromHere(home)}`;
  const commands = [
    [`npx regraft up${at}`, 'everything again, with Temporal’s own page; then, beside it:'],
    [`npx regraft status ${lineage}${at}`, 'what the lineage is doing'],
    [`npx regraft why ${lineage} M3${at}`, 'the story of one release'],
    [`npx regraft report ${lineage}${at}`, 'this report again'],
  ] as const;
  const width = Math.max(...commands.map(([command]) => command.length));
  return [
    'Where to look next:',
    ...written.map((file) => `  ${fromHere(file)}`),
    ...commands.map(([command, what]) => `  ${command.padEnd(width)}  ${what}`),
  ].join('\n');
}

/** A path as short as it can be said from where the user stands. */
function fromHere(target: string): string {
  const relative = path.relative('.', target);
  return relative.startsWith('..') ? target : relative;
}
