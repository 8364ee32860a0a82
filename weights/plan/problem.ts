import { WeightsError } from '../errors.ts';

/** Why models cannot be added to one another; closed. */
export type ProblemCode =
  | 'WEIGHTS_ARCHITECTURE_MISMATCH'
  | 'WEIGHTS_CONFIG_MISMATCH'
  | 'WEIGHTS_DTYPE_UNSUPPORTED'
  | 'WEIGHTS_PATTERN_UNMATCHED'
  | 'WEIGHTS_SHAPE_MISMATCH'
  | 'WEIGHTS_TENSOR_EXTRA'
  | 'WEIGHTS_TENSOR_MISSING'
  | 'WEIGHTS_TIED_MISMATCH'
  | 'WEIGHTS_VOCABULARY_MISMATCH';

/** One thing that stands in the way, as fields for a program and as a sentence for a person. */
export interface Problem {
  readonly code: ProblemCode;
  readonly subject: string;
  readonly found: string;
  readonly expected: string;
  readonly advice: string;
  readonly sentence: string;
}

/** Builds a problem; its sentence follows from the fields. */
export function createProblem(problem: Omit<Problem, 'sentence'>): Problem {
  const { subject, found, expected, advice } = problem;
  return { ...problem, sentence: `${subject}: found ${found}, expected ${expected}; ${advice}.` };
}

/** Models that cannot be added to one another: carries every problem, not the first. Code WEIGHTS_INCOMPATIBLE. */
export class IncompatibleError extends WeightsError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const more = problems.length > 5 ? ` And ${String(problems.length - 5)} more problems.` : '';
    const sentences = problems.slice(0, 5).map(({ sentence }) => sentence);
    super('WEIGHTS_INCOMPATIBLE', `${sentences.join(' ')}${more}`, { problems });
    this.problems = problems;
  }
}
