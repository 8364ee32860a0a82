import type { Lineages } from '../../client/lineages.ts';
import type { Order } from '../../contracts/lineage-state.ts';
import type { Command, CommandContext } from '../command.ts';
import { textOption } from '../text-option.ts';
import { waitBeside } from '../wait-beside.ts';
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
  summary: 'Put a release that failed, or was cancelled, skipped or superseded, back in line',
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

export const approve: Command = {
  name: 'approve',
  summary: 'Let a candidate go live that passed its gate and waits for a person',
  positionals: ['NAME', 'RELEASE'],
  options: REASON,
  examples: ['regraft approve demo-desc M3 --reason "samples look right"'],
  run: (context) =>
    give(context, 'approved; it goes live', 'was approved already', (lineages, [name, release], order) =>
      lineages.approve(name, release, order),
    ),
};

export const reject: Command = {
  name: 'reject',
  summary: 'Keep a candidate that waits for approval from going live; its Δ is carried all the same',
  positionals: ['NAME', 'RELEASE'],
  options: REASON,
  examples: ['regraft reject demo-desc M3 --reason "answers in the wrong language"'],
  run: (context) =>
    give(context, 'rejected; what is live stays', 'was rejected already', (lineages, [name, release], order) =>
      lineages.reject(name, release, order),
    ),
};

export const restart: Command = {
  name: 'restart',
  summary: 'Let the next release start from the base again instead of an older Δ',
  positionals: ['NAME'],
  options: REASON,
  examples: ['regraft restart demo-desc --reason "plain wins by two points"'],
  run: (context) =>
    give(context, 'the next release starts from the base', 'that was ordered already', (lineages, [name], order) =>
      lineages.restart(name, order),
    ),
};

export const rollback: Command = {
  name: 'rollback',
  summary: 'Make what was live before live again, or what a release brought',
  positionals: ['NAME'],
  options: { ...REASON, to: { type: 'string', value: 'RELEASE', help: 'the release whose model goes live again' } },
  examples: [
    'regraft rollback demo-desc --reason "complaints since Monday"',
    'regraft rollback demo-desc --to M2 --reason "M3 is slow"',
  ],
  async run(context) {
    const [name = ''] = context.positionals;
    const to = textOption(context, 'to') ?? null;
    const { changed, live } = await withLineages(context, (lineages) =>
      waitBeside('the rollback', () => lineages.rollback(name, to, orderOf(context))),
    );
    context.answer(`${name}: ${live} ${changed ? 'is live again' : 'was live already'}`, {
      lineage: name,
      changed,
      live,
    });
  },
};
