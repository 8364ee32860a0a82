import type { SamplesSuite } from '../../../activities/ports.ts';
import { assertLengths } from './assert-lengths.ts';
import { encodeAnswer, encodePrompt } from './encode-sample.ts';
import { meanOf, sum } from './sum.ts';
import type { OnnxSubject, OnnxWork } from './work.ts';

/**
 * Exact answers without writing any: a sample is right when the reference answer and the end token are the model's greedy
 * choice at every token, which is what greedy writing and comparing would find, for the price of one pass.
 */
export function exactWork({ suite, tokenizer, modelFolder }: OnnxSubject<SamplesSuite>): OnnxWork {
  const requests = suite.samples.map((sample) => ({
    id: sample.id,
    prompt: encodePrompt(sample, tokenizer),
    continuation: encodeAnswer(sample, tokenizer, modelFolder),
  }));
  const lengths = requests.map(({ id, prompt, continuation }) => ({
    id,
    tokens: prompt.length + continuation.length - 1, // nothing is read behind the last one
  }));
  return {
    work: { scoredTokens: sum(lengths.map(({ tokens }) => tokens)), generatedTokens: 0 },
    async run(model, options) {
      assertLengths(lengths, model.limits.positions);
      const results = await model.score(requests, options);
      return results.map(({ greedy, logProbabilitiesNats }, index) => ({
        id: requests[index]?.id ?? '',
        outcome: greedy ? 1 : 0,
        weight: 1,
        lossNats: -meanOf(logProbabilitiesNats),
        answerTokens: logProbabilitiesNats.length,
        answer: null,
      }));
    },
  };
}
