/** A choice as the model sees it. */
export interface ScoredChoice {
  /** Without the delimiter. */
  readonly text: string;
  /** Sum over its tokens, natural logarithm. */
  readonly logLikelihoodNats: number;
}

/**
 * The choice that the model takes, by index: the likeliest; with `length`, the one that is likeliest a character (code
 * points, delimiter aside), as `acc_norm` of lm-eval. Of equals the first.
 */
export function choose(choices: readonly ScoredChoice[], normalize: 'none' | 'length'): number {
  const merits = choices.map(({ text, logLikelihoodNats }) =>
    normalize === 'none' ? logLikelihoodNats : logLikelihoodNats / Array.from(text).length,
  );
  return merits.indexOf(Math.max(...merits));
}
