import { join } from 'node:path';
import { Tokenizer as HubTokenizer } from '@huggingface/tokenizers';
import { InferenceError } from '../errors.ts';
import { compileChatTemplate, type RenderChat } from '../text/chat-template.ts';
import { unicodeWhitespace } from '../text/unicode-whitespace.ts';
import { readChatTemplate } from './chat-template-file.ts';
import { isJsonObject, readJsonObject, type JsonObject } from './json-file.ts';

/** Turns text into the token ids of one model, and back. */
export interface Tokenizer {
  /**
   * Token ids of a text, with the special tokens that the tokenizer itself puts around one only where they are asked for
   * (`addSpecialTokens`, false). A special token spelled out in the text becomes its id. What the vocabulary lacks becomes
   * the unknown token, or nothing where the tokenizer has none, as in Python's `tokenizers`.
   */
  encode(text: string, options?: { readonly addSpecialTokens?: boolean | undefined }): readonly number[];
  /** The text of token ids, as transformers decodes them; without special tokens where `skipSpecialTokens` (false). */
  decode(ids: readonly number[], options?: { readonly skipSpecialTokens?: boolean | undefined }): string;
  /**
   * The text that the model reads of a conversation, with the special tokens that its template spells out: encode it as it is.
   * Errors: INFERENCE_CHAT_TEMPLATE_MISSING, INFERENCE_CHAT_TEMPLATE_INVALID.
   */
  readonly renderChat: RenderChat;
  /** One above the highest token id, added tokens included; the model's may be higher, padded. */
  readonly vocabularySize: number;
  /** Undefined when neither tokenizer_config.json nor config.json names one. */
  readonly bosTokenId: number | undefined;
  readonly eosTokenId: number | undefined;
  readonly padTokenId: number | undefined;
  /** Every token that ends a text that the model writes: `eosTokenId`, and those of generation_config.json and config.json. */
  readonly endTokenIds: readonly number[];
}

/** The names that a chat template may use, as transformers gives them. */
const SPECIAL = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'] as const;

/**
 * Opens a model folder's tokenizer.json. The special tokens are those that tokenizer_config.json names, or else the ids in
 * config.json (the first, where it lists several). The chat template is chat_template.jinja, chat_template.json or the one
 * in tokenizer_config.json, the `default` of several. All files but tokenizer.json may be absent.
 *
 * Errors: INFERENCE_TOKENIZER_INVALID.
 */
export async function openTokenizer(folder: string): Promise<Tokenizer> {
  try {
    const optional = (name: string): Promise<JsonObject> => readJsonObject(join(folder, name), {});
    const [definition, tokenizerConfig, config, generationConfig] = await Promise.all([
      readJsonObject(join(folder, 'tokenizer.json')),
      optional('tokenizer_config.json'),
      optional('config.json'),
      optional('generation_config.json'),
    ]);
    const template = await readChatTemplate(folder, tokenizerConfig);
    return toTokenizer({ folder, definition, tokenizerConfig, config, generationConfig, template });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InferenceError(
      'INFERENCE_TOKENIZER_INVALID',
      `Model ${folder}: its tokenizer cannot be opened (${why}); it needs a tokenizer.json as the \`tokenizers\` library saves it.`,
      { folder },
      { cause },
    );
  }
}

interface TokenizerFiles {
  readonly folder: string;
  readonly definition: JsonObject;
  readonly tokenizerConfig: JsonObject;
  readonly config: JsonObject;
  readonly generationConfig: JsonObject;
  /** Null: there is none; names: several, none of which is the default. */
  readonly template: string | readonly string[] | null;
}

function toTokenizer(files: TokenizerFiles): Tokenizer {
  const { definition, tokenizerConfig, config, generationConfig } = files;
  const tokenizer = new HubTokenizer(unicodeWhitespace(definition), tokenizerConfig);
  const special = (name: 'bos' | 'eos' | 'pad'): number | undefined => {
    const text = textOf(tokenizerConfig[`${name}_token`]);
    return (text === undefined ? undefined : tokenizer.token_to_id(text)) ?? idsOf(config[`${name}_token_id`])[0];
  };
  const eosTokenId = special('eos');
  const ends = [generationConfig, config].flatMap(({ eos_token_id: ids }) => idsOf(ids));
  return {
    encode: (text, { addSpecialTokens = false } = {}) =>
      tokenizer.encode(text, { add_special_tokens: addSpecialTokens }).ids,
    decode: decoder(tokenizer, files),
    renderChat: chatRenderer(files),
    vocabularySize: [...tokenizer.get_vocab().values()].reduce((most, id) => Math.max(most, id + 1), 0),
    bosTokenId: special('bos'),
    eosTokenId,
    padTokenId: special('pad'),
    endTokenIds: [...new Set([...(eosTokenId === undefined ? [] : [eosTokenId]), ...ends])],
  };
}

function decoder(tokenizer: HubTokenizer, { definition, tokenizerConfig }: TokenizerFiles): Tokenizer['decode'] {
  const added = [...tokenizer.get_added_tokens_decoder()];
  const special = new Set(added.filter(([, token]) => token.special).map(([id]) => id));
  const isBpe = isJsonObject(definition['model']) && definition['model']['type'] === 'BPE';
  // As transformers: never for BPE, whose spaces before punctuation the model wrote itself.
  const cleanUp = tokenizerConfig['clean_up_tokenization_spaces'] === true && !isBpe;
  return (ids, { skipSpecialTokens = false } = {}) => {
    const kept = skipSpecialTokens ? ids.filter((id) => !special.has(id)) : [...ids];
    if (kept.length === 0) return '';
    return tokenizer.decode(kept, { skip_special_tokens: false, clean_up_tokenization_spaces: cleanUp });
  };
}

/** Compiled when first asked for: most models are never asked. */
function chatRenderer({ folder, template, tokenizerConfig }: TokenizerFiles): RenderChat {
  const subject = `Model ${folder}`;
  const specialTokens = Object.fromEntries(
    SPECIAL.flatMap((name) => {
      const text = textOf(tokenizerConfig[name]);
      return text === undefined ? [] : [[name, text]];
    }),
  );
  let compiled: RenderChat | null = null;
  return (messages, options) => {
    if (typeof template !== 'string') throw templateMissing(subject, template);
    compiled ??= compileChatTemplate(template, specialTokens, subject);
    return compiled(messages, options);
  };
}

function templateMissing(subject: string, names: readonly string[] | null): InferenceError {
  const found =
    names === null ? 'has no chat template' : `has the chat templates ${names.join(', ')} and no \`default\``;
  return new InferenceError(
    'INFERENCE_CHAT_TEMPLATE_MISSING',
    `${subject} ${found}; put a chat_template.jinja beside its tokenizer.json, or ask without \`chat\`.`,
  );
}

/** A special token is its text, or a description that holds it. */
function textOf(token: unknown): string | undefined {
  const text = isJsonObject(token) ? token['content'] : token;
  return typeof text === 'string' ? text : undefined;
}

/** config.json may name one id, or several. */
function idsOf(value: unknown): readonly number[] {
  const ids: readonly unknown[] = Array.isArray(value) ? value : [value];
  return ids.filter((id) => typeof id === 'number');
}
