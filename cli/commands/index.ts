import type { Command } from '../command.ts';
import { apply } from './apply.ts';
import { codecServer } from './codec-server.ts';
import { delta } from './delta.ts';
import { demo } from './demo.ts';
import { drill } from './drill.ts';
import { evaluate } from './evaluate.ts';
import { approve, cancel, pause, reject, restart, resume, retry, rollback } from './orders.ts';
import { plan } from './plan.ts';
import { receive } from './receive.ts';
import { recycle } from './recycle.ts';
import { release } from './release.ts';
import { report } from './report.ts';
import { status } from './status.ts';
import { transfer } from './transfer.ts';
import { up } from './up.ts';
import { why } from './why.ts';
import { worker } from './worker.ts';

/** Every command, in the order of the overview. */
export const COMMANDS: readonly Command[] = [
  demo,
  up,
  plan,
  apply,
  release,
  status,
  why,
  report,
  pause,
  resume,
  retry,
  cancel,
  approve,
  reject,
  rollback,
  restart,
  transfer,
  worker,
  receive,
  codecServer,
  drill,
  recycle,
  delta,
  evaluate,
];
