// What we use of @huggingface/tokenizers. The package's own types import without file extensions, which nodenext does not
// resolve, so that every name would be untyped.
declare module '@huggingface/tokenizers' {
  export class Tokenizer {
    /** Takes the parsed tokenizer.json and tokenizer_config.json. */
    constructor(tokenizer: object, config: object);
    encode(text: string, options: { readonly add_special_tokens: boolean }): { readonly ids: number[] };
    /** At least one id. */
    decode(
      ids: number[],
      options: { readonly skip_special_tokens: boolean; readonly clean_up_tokenization_spaces: boolean },
    ): string;
    token_to_id(token: string): number | undefined;
    get_vocab(withAddedTokens?: boolean): Map<string, number>;
    get_added_tokens_decoder(): Map<number, { readonly content: string; readonly special: boolean }>;
  }
}
