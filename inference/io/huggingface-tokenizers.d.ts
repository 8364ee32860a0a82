// What we use of @huggingface/tokenizers. The package's own types import without file extensions, which nodenext does not
// resolve, so that every name would be untyped.
declare module '@huggingface/tokenizers' {
  export class Tokenizer {
    /** Takes the parsed tokenizer.json and tokenizer_config.json. */
    constructor(tokenizer: object, config: object);
    encode(text: string, options: { readonly add_special_tokens: boolean }): { readonly ids: number[] };
    token_to_id(token: string): number | undefined;
    get_vocab(withAddedTokens?: boolean): Map<string, number>;
  }
}
