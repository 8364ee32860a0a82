import type { Evaluator } from '../../activities/ports.ts';
import type { HarnessName } from '../../contracts/suite.schema.ts';
import { createCommandEvaluator } from './command-evaluator.ts';
import { createLmEvalEvaluator, type LmEvalOptions } from './lm-eval-evaluator.ts';
import { createOnnxEvaluator, type OnnxEvaluatorOptions } from './onnx-evaluator.ts';

/** Every harness, by name. `threads` are those of `onnx` and of lm-eval's arithmetic. */
export function createEvaluators({
  threads,
  batchTokens,
  python,
  environment,
  scratch,
}: OnnxEvaluatorOptions & LmEvalOptions & { readonly threads: number }): Readonly<Record<HarnessName, Evaluator>> {
  return {
    onnx: createOnnxEvaluator({ threads, batchTokens }),
    'lm-eval': createLmEvalEvaluator({ python, environment, scratch, threads }),
    command: createCommandEvaluator({ environment, scratch }),
  };
}
