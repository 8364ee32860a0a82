import type { TextSuite } from '../../../activities/ports.ts';
import type { SampleResult } from '../../../contracts/evaluation.schema.ts';
import { RegraftError } from '../../../contracts/error.ts';
import { windowsOf, type ScoreRequest, type Tokenizer } from '../../../inference/index.ts';
import { meanOf, sum } from './sum.ts';
import type { OnnxSubject, OnnxWork } from './work.ts';

/**
 * Likelihood of texts, window by window; every token counts once, the first only behind a beginning-of-text token that the
 * tokenizer itself puts there. The weighted mean of the outcomes is the mean log-likelihood of all tokens, so that e to its
 * negative is the perplexity.
 */
export function perplexityWork({ suite, tokenizer }: OnnxSubject<TextSuite>): OnnxWork {
  const documents = suite.documents.map(({ id, text }) => ({ id, tokens: tokenizer.encode(text) }));
  return {
    work: { scoredTokens: sum(documents.map(({ tokens }) => tokens.length)), generatedTokens: 0 },
    async run(model, options) {
      const cut = windower(suite, tokenizer, model.limits.positions);
      const pieces = documents.flatMap(({ id, tokens }) => piecesOf(id, cut(tokens), suite.windows));
      const requests = pieces.flatMap(({ windows }) => windows);
      const results = await model.score(requests, options);
      let next = 0;
      return pieces.map(({ id, windows }) => {
        const own = results.slice(next, next + windows.length).map(({ logProbabilitiesNats }) => logProbabilitiesNats);
        next += windows.length;
        return toResult(id, own.flat());
      });
    },
  };
}

function windower(
  { contextTokens, stride }: TextSuite,
  tokenizer: Tokenizer,
  mostPositions: number,
): (tokens: readonly number[]) => readonly ScoreRequest[] {
  const positions = Math.min(contextTokens, mostPositions);
  const [first] = tokenizer.encode('', { addSpecialTokens: true });
  const firstToken = first === tokenizer.bosTokenId ? first : undefined;
  return (tokens) =>
    tokens.length + (firstToken === undefined ? 0 : 1) < 2
      ? []
      : windowsOf(tokens, { positions, stride: stride === null ? undefined : Math.min(stride, positions), firstToken });
}

/** A document is one sample, a plain text as many as it has windows. */
function piecesOf(
  id: string | null,
  windows: readonly ScoreRequest[],
  limit: number | null,
): readonly { readonly id: string; readonly windows: readonly ScoreRequest[] }[] {
  if (windows.length === 0) {
    throw new RegraftError(
      'EVALUATE_SAMPLE_EMPTY',
      `${id === null ? 'The text' : `Sample \`${id}\``} has no token to predict in the model's vocabulary; leave it out.`,
    );
  }
  if (id !== null) return [{ id, windows }];
  return windows.slice(0, limit ?? windows.length).map((window, index) => ({ id: String(index), windows: [window] }));
}

function toResult(id: string, logProbabilitiesNats: readonly number[]): SampleResult {
  const outcome = meanOf(logProbabilitiesNats);
  const answerTokens = logProbabilitiesNats.length;
  return { id, outcome, weight: answerTokens, lossNats: -outcome, answerTokens, answer: null };
}
