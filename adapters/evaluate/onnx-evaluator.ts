import type { Evaluator, Suite } from '../../activities/ports.ts';
import { openLanguageModel, openTokenizer, type Tokenizer } from '../../inference/index.ts';
import { harnessIdentity } from './harness-identity.ts';
import { choiceWork } from './onnx/choice-work.ts';
import { exactWork } from './onnx/exact-work.ts';
import { perplexityWork } from './onnx/perplexity-work.ts';
import type { OnnxWork } from './onnx/work.ts';
import { writtenWork } from './onnx/written-work.ts';
import { suiteUnfit } from './suite-unfit.ts';

/** Bumped when the same model and suite may score otherwise than before. */
const VERSION = '2';

export interface OnnxEvaluatorOptions {
  /** Of the arithmetic. Results may differ by them in the last bits of float32, as by `batchTokens`. */
  readonly threads: number;
  /** Most tokens of one call of the model; 2048 unless given. */
  readonly batchTokens?: number | undefined;
}

/**
 * Scores in this process through onnxruntime, from the model's own safetensors files, greedily and in float32.
 *
 * Errors: EVALUATE_NO_EOS, EVALUATE_SAMPLE_EMPTY, EVALUATE_SAMPLE_TOO_LONG, EVALUATE_SUITE_UNFIT, and INFERENCE_*.
 */
export function createOnnxEvaluator({ threads, batchTokens }: OnnxEvaluatorOptions): Evaluator {
  return {
    name: 'onnx',
    identity: async () => Promise.resolve(harnessIdentity('onnx', VERSION, { arithmetic: 'float32' })),
    async evaluate({ modelFolder, suite, signal, onProgress }) {
      signal.throwIfAborted();
      const { work, run } = workOf(suite, await openTokenizer(modelFolder), modelFolder);
      const model = await openLanguageModel(modelFolder, { threads, work });
      try {
        return await run(model, { batchTokens, signal, onProgress });
      } finally {
        await model.close();
      }
    },
  };
}

function workOf(suite: Suite, tokenizer: Tokenizer, modelFolder: string): OnnxWork {
  switch (suite.kind) {
    case 'text':
      return perplexityWork({ suite, tokenizer, modelFolder });
    case 'samples': {
      const { scorer, stop, samples } = suite;
      const subject = { suite, tokenizer, modelFolder };
      if (scorer.kind === 'multiple-choice') return choiceWork(subject, scorer);
      const mustWrite = stop.length > 0 || samples.some(({ prompt }) => typeof prompt !== 'string');
      return scorer.kind === 'exact' && !mustWrite ? exactWork(subject) : writtenWork(subject, scorer);
    }
    case 'lm-eval':
    case 'command':
      throw suiteUnfit(suite, 'onnx');
  }
}
