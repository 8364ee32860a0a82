import type { SampleResult } from '../contracts/evaluation.schema.ts';

/**
 * Score: Σ weight · outcome ÷ Σ weight, which is the share of right answers where every sample weighs 1. Loss: mean over all
 * reference answer tokens, nats; null when the harness leaves it out for any sample. Standard error: of the score, over draws
 * of samples, √Σ w²(o − score)² ÷ Σ w; for shares of one weight √(p(1 − p) ÷ n). Sums are in float64, in the order given.
 */
export function meanResults(
  samples: readonly Pick<SampleResult, 'outcome' | 'weight' | 'lossNats' | 'answerTokens'>[],
): { readonly score: number; readonly standardError: number; readonly lossNats: number | null } {
  let [outcomes, weights, losses, tokens] = [0, 0, 0, 0];
  let saysLoss = true;
  for (const { outcome, weight, lossNats, answerTokens } of samples) {
    outcomes += weight * outcome;
    weights += weight;
    losses += (lossNats ?? 0) * answerTokens;
    tokens += answerTokens;
    saysLoss &&= lossNats !== null;
  }
  const score = outcomes / weights;
  const squares = samples.reduce((sum, { outcome, weight }) => sum + (weight * (outcome - score)) ** 2, 0);
  const lossNats = saysLoss && tokens > 0 ? losses / tokens : null;
  return { score, standardError: Math.sqrt(squares) / weights, lossNats };
}
