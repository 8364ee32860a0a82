import { condition, setHandler } from '@temporalio/workflow';
import type { LineageState, Order } from '../../contracts/lineage-state.ts';
import { planRollback, rollBack, type RollbackPlan } from '../../policy/lineage/live.ts';
import { io } from '../activities.ts';
import * as messages from '../lineage.messages.ts';
import type { Book } from './book.ts';
import { refusal } from './failures.ts';
import type { RunningArms } from './running-arms.ts';

type RollbackOrder = Order & { readonly release: string | null };

/** Takes rollbacks, one after the other and never while a run is going live. */
export function handleRollback(book: Book, arms: RunningArms): void {
  let busy = false;
  setHandler(
    messages.rollbackUpdate,
    async (order) => {
      await condition(() => !busy && !isPublishing(book.state));
      busy = true;
      try {
        return await carryOut(book, arms, order);
      } finally {
        busy = false;
      }
    },
    {
      validator: ({ release }: RollbackOrder) => {
        refuseSenseless(book, planRollback(book.state, release));
      },
    },
  );
}

async function carryOut(
  book: Book,
  arms: RunningArms,
  order: RollbackOrder,
): Promise<{ readonly changed: boolean; readonly live: string }> {
  const plan = planRollback(book.state, order.release);
  refuseSenseless(book, plan);
  if (plan.kind === 'already') return { changed: false, live: plan.live.release };
  const { from, to } = plan;
  const { actor, reason } = order;
  const { publish } = book.state.spec;
  const at = new Date().toISOString();
  await io.rollBack({ lineage: book.name, from, to, targets: publish, actor, reason, at });
  const { changed } = book.order((state, now) => rollBack(state, to, order, now));
  await arms.tellLive(to);
  return { changed, live: to.release };
}

function refuseSenseless(
  book: Book,
  plan: RollbackPlan,
): asserts plan is Extract<RollbackPlan, { readonly kind: 'to' | 'already' }> {
  switch (plan.kind) {
    case 'to':
    case 'already':
      return;
    case 'nothing-live':
      throw refusal('ROLLBACK_IMPOSSIBLE', `Lineage ${book.name} has nothing live yet; there is nothing to roll back.`);
    case 'nothing-before':
      throw refusal(
        'ROLLBACK_IMPOSSIBLE',
        `Nothing was live before ${plan.live.release} in lineage ${book.name}; there is nothing to roll back to.`,
      );
    case 'unknown':
      throw refusal(
        'ROLLBACK_IMPOSSIBLE',
        `That release never went live in lineage ${book.name}, or too long ago; what it can be rolled back to: ${plan.known.join(', ')}.`,
      );
  }
}

function isPublishing({ releases }: LineageState): boolean {
  return releases.some(({ arms }) => arms.some(({ status, stage }) => status === 'running' && stage === 'publish'));
}
