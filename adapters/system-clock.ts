import { setTimeout } from 'node:timers/promises';
import type { Clock } from '../activities/ports.ts';

/** This machine's clock. */
export function createSystemClock(): Clock {
  return {
    now: () => new Date(),
    sleep: (milliseconds, signal) => setTimeout(milliseconds, undefined, { signal }),
  };
}
