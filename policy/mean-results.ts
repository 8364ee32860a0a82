/** One sample's outcome, as far as the mean depends on it. */
interface ScoredSample {
  readonly correct: boolean;
  /** Mean over the answer's tokens, nats. */
  readonly lossNats: number;
  readonly answerTokens: number;
}

/** Score: share of samples answered exactly. Loss: mean over all answer tokens, nats. */
export function meanResults(samples: readonly ScoredSample[]): { readonly score: number; readonly lossNats: number } {
  const tokens = samples.reduce((sum, sample) => sum + sample.answerTokens, 0);
  const loss = samples.reduce((sum, sample) => sum + sample.lossNats * sample.answerTokens, 0);
  return { score: samples.filter((sample) => sample.correct).length / samples.length, lossNats: loss / tokens };
}
