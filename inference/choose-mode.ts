/** What a model is opened for, as far as the caller knows. */
export interface PlannedWork {
  /** Tokens of prompts and continuations that are to be scored. */
  readonly scoredTokens: number;
  /** Tokens that are to be written. */
  readonly generatedTokens: number;
}

/** How many parameters a model has, and how many of them are stored as float32. */
export interface ParameterCounts {
  readonly all: number;
  readonly float32: number;
}

/** Weights are multiplied where they lie in the file, or copied at opening into the order that is quickest to multiply. */
export type WeightsMode = 'in-place' | 'prepacked';

/** Tokens that must be written before copying all weights has paid for itself, at any size of model. */
const BREAK_EVEN_TOKENS = 220;
/** Tokens scored that save as much as one written. */
const SCORED_FOR_ONE_WRITTEN = 15;
/** A copy of more would take 8 GiB of memory. */
const MOST_COPIED = 2 ** 31;

/**
 * Copies weights where the work saves more time than the copy takes. Without `work`, float32 weights stay in place.
 *
 * Measured on a Llama of 110 million parameters, CPU seconds of one thread, 2 cores of an AMD EPYC with AVX2, onnxruntime 1.30.
 * Copying float32 weights takes 8 ns a parameter once (0.85 s) and 4 bytes of memory a parameter, where in place they take
 * none: the mapped file can be dropped and is shared between processes. It saves 37 ps a parameter for each token written (512
 * tokens at batch 8: 6.1 s instead of 8.2 s) and up to 3 ps for each token scored (1,016 tokens: 2.9–3.2 s instead of 3.2–3.3 s).
 * Both grow with the model, so its size cancels out. With AVX-512 the copy takes 2.4 ns a parameter and saves 15 to 28 ps for
 * each token written and 0.3 ps for each scored: there it pays from 85 to 160 tokens written or 7,500 scored on.
 *
 * BF16 and F16 have no kernel on a CPU: their weights are cast to float32 when the model opens, which costs the same 8 ns and 4
 * bytes a parameter (1.2 s instead of 0.4 s; the memory of the file twice) in either mode. The copy in the quick order is then
 * free, so such weights are always copied; they compute as fast as float32 does.
 */
export function chooseMode(work: PlannedWork | undefined, parameters: ParameterCounts): WeightsMode {
  if (parameters.float32 > MOST_COPIED) return 'in-place';
  const { scoredTokens, generatedTokens } = work ?? { scoredTokens: 0, generatedTokens: 0 };
  const saved = generatedTokens + scoredTokens / SCORED_FOR_ONE_WRITTEN;
  return saved * parameters.all >= BREAK_EVEN_TOKENS * parameters.float32 ? 'prepacked' : 'in-place';
}
