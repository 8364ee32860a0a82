import { checkpointByteFlipped, checkpointFileMissing, checkpointLost } from './checkpoint-damaged.ts';
import { checkpointOrder } from './checkpoint-order.ts';
import { diskFull } from './disk-full.ts';
import type { Drill } from './drill.ts';
import { everythingPreempted } from './everything-preempted.ts';
import { killedWhileSaving } from './killed-while-saving.ts';
import { runCancelled } from './run-cancelled.ts';
import { runTerminated } from './run-terminated.ts';
import { serverKilled } from './server-killed.ts';
import { trainerKilled } from './trainer-killed.ts';
import { workerFrozen } from './worker-frozen.ts';
import { workerKilled } from './worker-killed.ts';
import { workerLost } from './worker-lost.ts';

/** Every drill, in the order of the table. */
export const DRILLS: readonly Drill[] = [
  trainerKilled,
  killedWhileSaving,
  checkpointByteFlipped,
  checkpointFileMissing,
  checkpointLost,
  checkpointOrder,
  diskFull,
  workerKilled,
  workerLost,
  workerFrozen,
  serverKilled,
  everythingPreempted,
  runCancelled,
  runTerminated,
];
