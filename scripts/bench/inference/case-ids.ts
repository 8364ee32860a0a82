/** Everything that the inference benchmark times, in the order of its table. */
export const INFERENCE_CASE_IDS = ['start', 'load', 'score', 'generate-1', 'generate-8'] as const;

/**
 * `start` is from the start of the process to the first scored token; `load` the same with all imports done. `score` is of
 * 8 × 128 tokens; `generate-1` and `generate-8` write 64 tokens after each of 1 and 8 prompts of 16 to 32.
 */
export type InferenceCaseId = (typeof INFERENCE_CASE_IDS)[number];
