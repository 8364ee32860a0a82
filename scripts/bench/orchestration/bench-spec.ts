import type { LineageSpec } from '../../../contracts/lineage-spec.schema.ts';
import { makeSpec, SMALLEST_SPEC } from '../../../test/support/lineage-values.ts';

/**
 * A lineage with two checkpoints, a gate and a publication: every stage that waits for nobody. Its watch looks once, when it
 * is declared, and then once a day: a thousand that ask every minute would be another measurement.
 */
export function benchSpec(name: string, controls: readonly 'plain'[]): LineageSpec {
  return makeSpec({
    ...{ name, controls, gate: { nonInferior: { sums: 0.1 } }, publish: [{ folder: '/live' }] },
    family: { ...SMALLEST_SPEC.family, pollEvery: '24h' },
    finetune: { ...SMALLEST_SPEC.finetune, saveEvery: 50 },
  });
}
