/** What is to be written: the likeliest tokens after the prompt, one after another. */
export interface GenerateRequest {
  /** At least one token, usually the beginning-of-text token first. */
  readonly prompt: readonly number[];
  /** Most tokens to write, at least 1. */
  readonly maxNewTokens: number;
}

/** Why a text ended: the model wrote an end token, `shouldStop` said so, or `maxNewTokens` were written. */
export type GenerateEnd = 'end-token' | 'stopped' | 'length';

export interface GenerateResult {
  /** The new tokens, without the end token; with the token at which `shouldStop` said true. */
  readonly tokens: readonly number[];
  readonly ended: GenerateEnd;
}

export interface GenerateOptions {
  /** Tokens that end a text; none of them becomes part of it. Empty: only length and `shouldStop` end one. */
  readonly endTokenIds: readonly number[];
  /** Most texts written at once (8); the memory of the key–value cache grows with it. */
  readonly batchSize?: number | undefined;
  /**
   * Most prompt tokens read in one call (512): short prompts share a call, longer ones are read in several. More is faster and
   * takes more memory.
   */
  readonly prefillTokens?: number | undefined;
  /** Aborting rejects with the signal's reason; a step already under way ends unheard, and the model stays open. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each text that ended, with the number of texts that have. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /**
   * Called after every new token but an end token, in the caller's thread, with the request's index and its tokens so far
   * (the array grows: copy it to keep it). True ends that text.
   */
  readonly shouldStop?: ((request: number, tokens: readonly number[]) => boolean) | undefined;
}
