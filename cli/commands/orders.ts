import type { Lineages } from '../../client/lineages.ts';
import type { Order } from '../../contracts/lineage-state.ts';
import type { Command, CommandContext } from '../command.ts';
import { orderOf, REASON, withLineages } from '../with-lineages.ts';

type Send = (
  lineages: Lineages,
  names: readonly [string, string],
  order: Order,
) => Promise<{ readonly changed: boolean }>;

/** Sends an order and says whether it changed anything. */
async function give(context: CommandContext, done: string, already: string, send: Send): Promise<void> {
  const [name = '', release = ''] = context.positionals;
  const { changed } = await withLineages(context, (lineages) => send(lineages, [name, release], orderOf(context)));
  const subject = release === '' ? name : `${name} ${release}`;
  context.answer(`${subject}: ${changed ? done : already}`, {
    lineage: name,
    ...(release !== '' && { release }),
    changed,
  });
}

export const pause: Command = {
  name: 'pause',
  summary: 'Hold a lineage: no new run starts, a training saves a checkpoint and ends',
  positionals: ['NAME'],
  options: REASON,
  examples: ['regraft pause demo-desc --reason "cluster maintenance"'],
  run: (context) =>
    give(context, 'paused; `regraft resume` goes on from there', 'was paused already', (lineages, [name], order) =>
      lineages.pause(name, order),
    ),
};

export const resume: Command = {
  name: 'resume',
  summary: 'Let a paused lineage go on; a training resumes from its checkpoint',
  positionals: ['NAME'],
  options: REASON,
  examples: ['regraft resume demo-desc --reason "maintenance is over"'],
  run: (context) =>
    give(context, 'goes on', 'was not paused', (lineages, [name], order) => lineages.resume(name, order)),
};

export const retry: Command = {
  name: 'retry',
  summary: 'Put a failed or cancelled release back in line',
  positionals: ['NAME', 'RELEASE'],
  options: REASON,
  examples: ['regraft retry demo-desc M3 --reason "the disk was full"'],
  run: (context) =>
    give(context, 'is in line again', 'nothing to do', (lineages, [name, release], order) =>
      lineages.retry(name, release, order),
    ),
};

export const cancel: Command = {
  name: 'cancel',
  summary: 'Cancel a waiting or running release; the lineage goes on with the next',
  positionals: ['NAME', 'RELEASE'],
  options: REASON,
  examples: ['regraft cancel demo-desc M3 --reason "wrong base"'],
  run: (context) =>
    give(context, 'is being cancelled', 'nothing to do', (lineages, [name, release], order) =>
      lineages.cancel(name, release, order),
    ),
};
