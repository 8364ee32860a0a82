import { assertKept } from './assert-kept.ts';
import type { TrainerInFolder } from './trainer-in-folder.ts';

/**
 * Waits until a trainer without a supervisor is told to end because its lease is over, lets it, and waits until nothing of
 * it is left. It must be frozen.
 */
export async function untilReaped(trainer: TrainerInFolder): Promise<void> {
  await trainer.untilToldToStop(60_000);
  const why = await trainer.log();
  assertKept(why.includes('nobody has renewed the lease'), 'the trainer was told to end, and not because of its lease');
  trainer.thaw();
  await trainer.untilGone();
}
