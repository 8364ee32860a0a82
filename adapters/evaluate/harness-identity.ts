import type { HarnessIdentity } from '../../contracts/evaluation.schema.ts';
import type { HarnessName } from '../../contracts/suite.schema.ts';
import { canonicalJson } from '../store/canonical-json.ts';

/** A harness' identity: its digest is over name, version and `settings`, all that can change a result beside the suite. */
export function harnessIdentity(name: HarnessName, version: string, settings: unknown): HarnessIdentity {
  return { name, version, digest: canonicalJson({ name, version, settings }).sha256 };
}
