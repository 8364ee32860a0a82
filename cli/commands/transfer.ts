import { stat } from 'node:fs/promises';
import path from 'node:path';
import { createFsArtifactStore } from '../../adapters/store/fs-artifact-store.ts';
import type { Transfer } from '../../client/lineage-orders.ts';
import { familySchema } from '../../contracts/family.schema.ts';
import { RegraftError } from '../../contracts/error.ts';
import type { TransferState } from '../../contracts/lineage-state.ts';
import { UsageError, type Command, type CommandContext } from '../command.ts';
import { textOption } from '../text-option.ts';
import { waitBeside, waitingText } from '../wait-beside.ts';
import { scoreAt, shortDigest } from '../text/words.ts';
import { orderOf, REASON, withLineages } from '../with-lineages.ts';

export const transfer: Command = {
  name: 'transfer',
  summary:
    'Add the Δ of a release to an older one (a backport), or to any compatible base; judged by its suites, never live',
  positionals: ['NAME'],
  options: {
    ...REASON,
    from: { type: 'string', value: 'RELEASE', help: 'whose Δ' },
    onto: { type: 'string', value: 'BASE', help: 'a release of the lineage, a model folder, or OWNER/NAME on the Hub' },
    train: { type: 'boolean', help: "fine-tune afterwards, as the lineage's spec says" },
  },
  examples: [
    'regraft transfer demo-desc --from M5 --onto M2 --reason "a customer stays on M2"',
    'regraft transfer demo-desc --from M5 --onto ./other-base --train',
  ],
  async run(context) {
    const [name = ''] = context.positionals;
    const [from, onto] = [needed(context, 'from'), await ontoOf(needed(context, 'onto'))];
    context.say(`It is a run of its own. ${waitingText('the transfer')}`);
    const asked = { from, onto, trains: context.options['train'] === true };
    const ended = await withLineages(context, (lineages) =>
      waitBeside('the transfer', () => lineages.transfer(name, asked, orderOf(context))),
    );
    context.answer(await outcomeText(ended, context.home), ended);
    if (ended.status === 'succeeded') return;
    throw new RegraftError('TRANSFER_NOT_DONE', `Transfer ${ended.label} was not done; see above.`);
  },
};

function needed(context: CommandContext, option: string): string {
  const value = textOption(context, option);
  if (value !== undefined) return value;
  throw new UsageError(`regraft transfer: --${option} is missing; for example: ${transfer.examples[0] ?? ''}`);
}

/** What is on the disk is a folder; what reads OWNER/NAME is on the Hub; everything else is a release. */
async function ontoOf(text: string): Promise<Transfer['onto']> {
  const order = { names: '{any}', order: ['any'] };
  const folder = path.resolve(text);
  if ((await stat(folder).catch(() => null))?.isDirectory() === true) {
    return { family: familySchema.parse({ folder: path.dirname(folder), ...order }), name: path.basename(folder) };
  }
  const repo = familySchema.safeParse({ hub: [text], ...order });
  return repo.success ? { family: repo.data, name: text.slice(text.indexOf('/') + 1) } : { release: text };
}

async function outcomeText({ label, status, result, failure }: TransferState, home: string): Promise<string> {
  if (result === null) return `${label}: ${status}${failure === null ? '' : `: ${failure.message} [${failure.code}]`}`;
  const { candidateDigest, best } = result;
  const folder = await createFsArtifactStore(path.join(home, 'store')).materialize(candidateDigest);
  return `${label}: score ${scoreAt(best)}. Model ${shortDigest(candidateDigest)}: ${folder}`;
}
