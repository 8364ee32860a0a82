import { createProblem, type Problem, type ProblemCode } from '../problem.ts';

/** A problem with one tensor of an adapter. */
export function adapterProblem(
  code: ProblemCode,
  tensor: string,
  found: string,
  { expected, advice }: { readonly expected: string; readonly advice: string },
): Problem {
  return createProblem({ code, subject: `adapter: tensor \`${tensor}\``, found, expected, advice });
}
