export { InferenceError, type InferenceErrorCode } from './errors.ts';
export { openLanguageModel, type LanguageModel, type ScoreOptions } from './io/language-model.ts';
export { openTokenizer, type Tokenizer } from './io/tokenizer.ts';
export type { ScoreRequest, ScoreResult } from './scoring/request.ts';
