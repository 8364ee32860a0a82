/** What is to be scored: how likely the continuation is after the prompt, as token ids. */
export interface ScoreRequest {
  /** At least one token, usually the beginning-of-text token first. */
  readonly prompt: readonly number[];
  /** At least one token. */
  readonly continuation: readonly number[];
}

export interface ScoreResult {
  /** Natural logarithm of each continuation token's probability, given all before it; computed in float32. */
  readonly logProbabilitiesNats: readonly number[];
  /**
   * True when each continuation token is the likeliest one there, given the true tokens before it: exactly when greedy
   * decoding would have written the continuation. Of equally likely tokens the lowest id counts.
   */
  readonly greedy: boolean;
}

export interface ScoreOptions {
  /**
   * Most padded tokens of one call (2048); more is faster and takes more memory. A longer request goes alone, and a longer
   * continuation in parts, each after all before it.
   */
  readonly batchTokens?: number | undefined;
  /** Aborting rejects with the signal's reason; a batch already under way ends unheard, and the model stays open. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch with the number of requests scored so far. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}
