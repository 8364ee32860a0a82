import type { GenerateEnd, GenerateOptions, GenerateRequest, GenerateResult } from './request.ts';

/** A text that is being written. */
export class Text {
  readonly request: number;
  readonly prompt: readonly number[];
  readonly #maxNewTokens: number;
  readonly #tokens: number[] = [];
  #ended: GenerateEnd | null = null;

  constructor({ prompt, maxNewTokens }: GenerateRequest, request: number) {
    this.request = request;
    this.prompt = prompt;
    this.#maxNewTokens = maxNewTokens;
  }

  get ended(): boolean {
    return this.#ended !== null;
  }

  /** Tokens that the model has read once it has been given all but the newest: what the cache holds. */
  get readTokens(): number {
    return this.prompt.length + Math.max(0, this.#tokens.length - 1);
  }

  /** The newest token, which the model has yet to read. */
  get newest(): number {
    return this.#tokens.at(-1) ?? 0;
  }

  /** How many tokens were written. */
  get written(): number {
    return this.#tokens.length;
  }

  /** Takes the next token, and ends the text where it is the last. */
  write(token: number, { endTokenIds, shouldStop }: Pick<GenerateOptions, 'endTokenIds' | 'shouldStop'>): void {
    if (endTokenIds.includes(token)) {
      this.#ended = 'end-token';
      return;
    }
    this.#tokens.push(token);
    if (shouldStop?.(this.request, this.#tokens) === true) this.#ended = 'stopped';
    else if (this.#tokens.length >= this.#maxNewTokens) this.#ended = 'length';
  }

  /** What was written, or null while the text goes on. */
  result(): GenerateResult | null {
    return this.#ended === null ? null : { tokens: this.#tokens, ended: this.#ended };
  }
}
