/** Everything that the orchestration benchmark measures, in the order of its table. */
export const ORCHESTRATION_CASE_IDS = ['one', 'many'] as const;

/**
 * `one` is one release after another with nothing beside, in a lineage without and in one with a plain control; `many` is one
 * release of each of many lineages, all at once.
 */
export type OrchestrationCaseId = (typeof ORCHESTRATION_CASE_IDS)[number];
