import { RegraftError } from '../../contracts/error.ts';

/** @throws RegraftError DRILL_PROMISE_BROKEN with the sentence, when a promise was not kept */
export function assertKept(isKept: boolean, otherwise: string): void {
  if (!isKept) throw new RegraftError('DRILL_PROMISE_BROKEN', otherwise);
}
