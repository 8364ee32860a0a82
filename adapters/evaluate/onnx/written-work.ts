import type { SamplesSuite } from '../../../activities/ports.ts';
import { RegraftError } from '../../../contracts/error.ts';
import type { Tokenizer } from '../../../inference/index.ts';
import { answerText } from '../answer-text.ts';
import { cutAtStop } from '../scorers/cut-at-stop.ts';
import { judgeAnswer, type TextScorer } from '../scorers/judge-answer.ts';
import { assertLengths } from './assert-lengths.ts';
import { encodePrompt } from './encode-sample.ts';
import { sum } from './sum.ts';
import type { OnnxSubject, OnnxWork } from './work.ts';

/** Tokens that may say nothing: halves of characters, and special ones that are skipped. */
const SLACK = 8;

/**
 * Answers that the model writes, greedily, up to its end token, a stop text, `maxNewTokens` or its last position; then judged
 * as text. How likely the reference answer was is not asked.
 */
export function writtenWork(
  { suite, tokenizer, modelFolder }: OnnxSubject<SamplesSuite>,
  scorer: TextScorer,
): OnnxWork {
  const { stop, maxNewTokens, samples } = suite;
  if (tokenizer.endTokenIds.length === 0 && stop.length === 0) throw neverEnds(modelFolder);
  const prompts = samples.map((sample) => ({ id: sample.id, ids: encodePrompt(sample, tokenizer) }));
  return {
    work: { scoredTokens: sum(prompts.map(({ ids }) => ids.length)), generatedTokens: samples.length * maxNewTokens },
    async run(model, options) {
      const { positions } = model.limits;
      assertLengths(
        prompts.map(({ id, ids }) => ({ id, tokens: ids.length + 1 })),
        positions,
      );
      const requests = prompts.map(({ ids }) => ({
        prompt: ids,
        maxNewTokens: Math.min(maxNewTokens, positions - ids.length),
      }));
      const results = await model.generate(requests, {
        ...options,
        endTokenIds: tokenizer.endTokenIds,
        shouldStop: stopper(stop, tokenizer),
      });
      return samples.map(({ id, answer }, index) => {
        const tokens = results[index]?.tokens ?? [];
        const written = cutAtStop(tokenizer.decode(tokens, { skipSpecialTokens: true }), stop);
        const outcome = judgeAnswer(scorer, written, answer) ? 1 : 0;
        return { id, outcome, weight: 1, lossNats: null, answerTokens: 0, answer: answerText(written) };
      });
    },
  };
}

/** Looks for a stop text in the last tokens only: reading all of them again at each would cost their square. */
function stopper(
  stop: readonly string[],
  tokenizer: Tokenizer,
): ((request: number, tokens: readonly number[]) => boolean) | undefined {
  if (stop.length === 0) return undefined;
  // A token that says anything has at least one byte of it.
  const tail = Math.max(...stop.map((word) => new TextEncoder().encode(word).length)) + SLACK;
  return (_, tokens) => {
    const text = tokenizer.decode(tokens.slice(-tail), { skipSpecialTokens: true });
    return stop.some((word) => text.includes(word));
  };
}

function neverEnds(folder: string): RegraftError {
  return new RegraftError(
    'EVALUATE_NO_EOS',
    `Model ${folder} names no end-of-text token, and what it writes would never end; add eos_token to tokenizer_config.json, or \`stop\` to the suite.`,
  );
}
