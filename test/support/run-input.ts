import type { RunInput } from '../../contracts/run.ts';
import { makeRelease } from './lineage-values.ts';
import { quietSpec } from './service.ts';

/** One run by itself: the production arm at M1, from the base. Fields given override. */
export function makeRunInput(lineage: string, fields: Partial<RunInput> = {}): RunInput {
  return {
    v: 1,
    lineage,
    release: makeRelease(1),
    arm: 'iterative',
    production: true,
    source: null,
    spec: quietSpec(lineage),
    published: null,
    paused: false,
    ...fields,
  };
}
