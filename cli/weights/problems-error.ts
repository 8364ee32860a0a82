import type { Problem } from '../../weights/index.ts';
import { isCodedError, RegraftError } from '../../contracts/error.ts';
import { countedText } from './amounts.ts';

/** Models that do not fit together; the message has every problem on a line of its own, unless they are shown already. */
export function problemsError(problems: readonly Problem[], shown = false): RegraftError {
  const lines = shown ? ', listed above.' : `.${problems.map(({ sentence }) => `\n  ${sentence}`).join('')}`;
  const message = `These models cannot be put together: ${countedText(problems.length, 'problem')}${lines}`;
  return new RegraftError('WEIGHTS_INCOMPATIBLE', message, { details: { problems } });
}

/** The engine's own error for several problems names the first few; this one all. Other errors stay as they are. */
export function withAllProblems(error: unknown): unknown {
  if (!isCodedError(error) || error.code !== 'WEIGHTS_INCOMPATIBLE') return error;
  const { problems } = error.details;
  return Array.isArray(problems) ? problemsError(problems as readonly Problem[]) : error; // the engine's own list
}
