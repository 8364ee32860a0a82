import type { SamplesSuite, TextSuite } from '../../../activities/ports.ts';
import type { SampleResult } from '../../../contracts/evaluation.schema.ts';
import type { LanguageModel, Tokenizer } from '../../../inference/index.ts';

/** A suite on a model, before the model is open: what is known from its tokenizer alone. */
export interface OnnxWork {
  /** Tokens to come, at most: decides how the model is opened. */
  readonly work: { readonly scoredTokens: number; readonly generatedTokens: number };
  readonly run: (model: LanguageModel, options: OnnxOptions) => Promise<readonly SampleResult[]>;
}

export interface OnnxOptions {
  readonly batchTokens?: number | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/** A suite that this process can score, with what reads and writes its text. */
export interface OnnxSubject<OfKind extends SamplesSuite | TextSuite> {
  readonly suite: OfKind;
  readonly tokenizer: Tokenizer;
  /** For messages. */
  readonly modelFolder: string;
}
