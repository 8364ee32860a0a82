import type { ApplyReport, PlanReport } from '../../../weights/index.ts';

/** The report of a small output with something to say about everything; fields given override. */
export function applyReport(fields: Partial<ApplyReport> = {}): ApplyReport {
  return {
    ...{ parametersMoved: 1500, parametersMapped: 300, parametersKept: 200, parametersExcluded: 0, tensors: 7 },
    nonFinite: 0,
    vocabulary: vocabularySummary(),
    conflicts: [],
    health: null,
    outputs: [
      { path: 'config.json', sizeBytes: 500, sha256: 'a' },
      { path: 'model.safetensors', sizeBytes: 4_000_000, sha256: 'b' },
    ],
    ...fields,
  };
}

/** A vocabulary of four rows, all moved; fields given override. */
export function vocabularySummary(fields: Partial<ApplyReport['vocabulary']> = {}): ApplyReport['vocabulary'] {
  return {
    ...{ choice: 'fine-tune', matched: 'tokens', moved: 4, fromTuned: 0, kept: 0, zero: 0, padding: 0 },
    ...{ dropped: 0, changed: 0, names: { fromTuned: [], kept: [], dropped: [] }, changedIds: [] },
    ...fields,
  };
}

/** The plan of a small output; fields given override. */
export function planReport(fields: Partial<PlanReport> = {}): PlanReport {
  const coverage = { moved: 0, mapped: 0, kept: 0, excluded: 0 };
  const tensor = (name: string, scales: readonly number[] | null): PlanReport['tensors'][number] => ({
    ...{ name, dtype: 'BF16', shape: [2, 2], scales, coverage },
  });
  return {
    problems: [],
    coverage: { parametersMoved: 6, parametersMapped: 0, parametersKept: 2, parametersExcluded: 0 },
    tied: false,
    dtypes: { tuned: { BF16: 2 }, base: { BF16: 2 }, target: { F32: 1, BF16: 1 }, output: { F32: 2 } },
    vocabulary: vocabularySummary(),
    conflicts: [],
    files: [{ path: 'model.safetensors', sizeBytes: 2_000_000 }],
    diskBytes: 4_000_000,
    memoryBytes: 12_000_000,
    tensors: [tensor('a', [1]), tensor('b', [1])],
    ...fields,
  };
}
