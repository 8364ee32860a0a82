import type { SamplesSuite } from '../../../activities/ports.ts';
import type { SampleResult } from '../../../contracts/evaluation.schema.ts';
import type { Scorer } from '../../../contracts/suite.schema.ts';
import type { ScoreResult } from '../../../inference/index.ts';
import { answerText } from '../answer-text.ts';
import { choose } from '../scorers/choose.ts';
import { assertLengths } from './assert-lengths.ts';
import { encodeChoice } from './encode-sample.ts';
import { sum } from './sum.ts';
import type { OnnxSubject, OnnxWork } from './work.ts';

/** Multiple choice: every choice is scored behind the prompt, and the likeliest is what the model says. */
export function choiceWork(
  { suite, tokenizer }: OnnxSubject<SamplesSuite>,
  { delimiter, normalize }: Extract<Scorer, { readonly kind: 'multiple-choice' }>,
): OnnxWork {
  const asked = suite.samples.map((sample) => {
    const texts = sample.choices?.texts ?? [];
    return {
      ...{ id: sample.id, texts, right: sample.choices?.right ?? 0 },
      requests: texts.map((text) => encodeChoice(sample, `${delimiter}${text}`, tokenizer)),
    };
  });
  const lengths = asked.flatMap(({ id, requests }) =>
    requests.map(({ prompt, continuation }) => ({ id, tokens: prompt.length + continuation.length - 1 })),
  );
  return {
    work: { scoredTokens: sum(lengths.map(({ tokens }) => tokens)), generatedTokens: 0 },
    async run(model, options) {
      assertLengths(lengths, model.limits.positions);
      const results = await model.score(
        asked.flatMap(({ requests }) => requests),
        options,
      );
      let next = 0;
      return asked.map(({ id, texts, right }) => {
        const own = results.slice(next, next + texts.length);
        next += texts.length;
        return toResult({ id, texts, right }, own, normalize);
      });
    },
  };
}

function toResult(
  { id, texts, right }: { readonly id: string; readonly texts: readonly string[]; readonly right: number },
  results: readonly ScoreResult[],
  normalize: 'none' | 'length',
): SampleResult {
  const sums = results.map(({ logProbabilitiesNats }) => sum(logProbabilitiesNats));
  const chosen = choose(
    texts.map((text, index) => ({ text, logLikelihoodNats: sums[index] ?? -Infinity })),
    normalize,
  );
  const answerTokens = results[right]?.logProbabilitiesNats.length ?? 0;
  return {
    id,
    outcome: texts[chosen] === texts[right] ? 1 : 0,
    weight: 1,
    lossNats: -(sums[right] ?? 0) / answerTokens,
    answerTokens,
    answer: answerText(texts[chosen] ?? ''),
  };
}
