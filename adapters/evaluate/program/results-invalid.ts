import { RegraftError } from '../../../contracts/error.ts';
import { someProblems } from '../../some-problems.ts';

/** A program's results are not what was asked for. `problems` are parts of a sentence; the details have them all. */
export function resultsInvalid(subject: string, problems: readonly string[]): RegraftError {
  return new RegraftError(
    'EVALUATE_RESULTS_INVALID',
    `${subject}: ${someProblems(problems).join('; ')}; none of it is used.`,
    {
      details: { problems },
    },
  );
}
