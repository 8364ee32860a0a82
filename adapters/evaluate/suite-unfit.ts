import type { Suite } from '../../activities/ports.ts';
import { RegraftError } from '../../contracts/error.ts';
import type { HarnessName } from '../../contracts/suite.schema.ts';

/** A suite was given to a harness that it is not for. */
export function suiteUnfit({ name, kind }: Suite, harness: HarnessName): RegraftError {
  const message = `Suite \`${name}\` is of the kind ${kind}, which the harness ${harness} does not score; give it the harness that its suite.yaml names.`;
  return new RegraftError('EVALUATE_SUITE_UNFIT', message);
}
