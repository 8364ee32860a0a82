import { RegraftError } from '../../../contracts/error.ts';

const SHOWN = 5;

/** A program's results are not what was asked for. `problems` are parts of a sentence; the details have them all. */
export function resultsInvalid(subject: string, problems: readonly string[]): RegraftError {
  const hidden = problems.length - SHOWN;
  const shown = [...problems.slice(0, SHOWN), ...(hidden > 0 ? [`and ${String(hidden)} more like these`] : [])];
  return new RegraftError('EVALUATE_RESULTS_INVALID', `${subject}: ${shown.join('; ')}; none of it is used.`, {
    details: { problems },
  });
}
