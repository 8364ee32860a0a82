import type { Evaluator, SampleResult, Suite } from '../../activities/ports.ts';
import { RegraftError } from '../../contracts/error.ts';
import {
  openLanguageModel,
  openTokenizer,
  type ScoreRequest,
  type ScoreResult,
  type Tokenizer,
} from '../../inference/index.ts';

/** Bumped when the same model and suite may score otherwise than before. */
const VERSION = 1;

/**
 * Scores in this process through onnxruntime, from the model's own safetensors files. A sample counts as right when the
 * reference answer and the end of text are the model's greedy choice at every token, which is what greedy decoding and
 * exact match would find.
 */
export function createOnnxEvaluator(options: { readonly threads: number }): Evaluator {
  return {
    harness: `onnx/${String(VERSION)}`,
    async evaluate({ modelFolder, suite, signal, onProgress }) {
      const tokenizer = await openTokenizer(modelFolder);
      const requests = suite.samples.map((sample) => toRequest(sample, tokenizer, modelFolder));
      const model = await openLanguageModel(modelFolder, options);
      try {
        const results = await model.score(requests, { signal, onProgress });
        return results.map(toSampleResult);
      } finally {
        await model.close();
      }
    },
  };
}

function toRequest(sample: Suite['samples'][number], tokenizer: Tokenizer, folder: string): ScoreRequest {
  const { bosTokenId, eosTokenId } = tokenizer;
  if (eosTokenId === undefined) {
    throw new RegraftError(
      'EVALUATE_NO_EOS',
      `Model ${folder}: its tokenizer names no end-of-text token, and an exact answer must end; add eos_token to tokenizer_config.json.`,
    );
  }
  return {
    prompt: [...(bosTokenId === undefined ? [] : [bosTokenId]), ...tokenizer.encode(sample.prompt)],
    continuation: [...tokenizer.encode(sample.completion), eosTokenId],
  };
}

function toSampleResult({ greedy, logProbabilitiesNats }: ScoreResult): SampleResult {
  const sum = logProbabilitiesNats.reduce((total, value) => total + value, 0);
  return { correct: greedy, lossNats: -sum / logProbabilitiesNats.length, answerTokens: logProbabilitiesNats.length };
}
