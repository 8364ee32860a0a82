import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer as HubTokenizer } from '@huggingface/tokenizers';
import { InferenceError } from '../errors.ts';

/** Turns text into the token ids of one model. */
export interface Tokenizer {
  /**
   * Token ids of a text, with no special tokens put around it. A special token spelled out in the text becomes its id. What
   * the vocabulary lacks becomes the unknown token, or nothing where the tokenizer has none, as in Python's `tokenizers`.
   */
  encode(text: string): readonly number[];
  /** One above the highest token id, added tokens included; the model's may be higher, padded. */
  readonly vocabularySize: number;
  /** Undefined when neither tokenizer_config.json nor config.json names one. */
  readonly bosTokenId: number | undefined;
  readonly eosTokenId: number | undefined;
}

type Raw = Readonly<Record<string, unknown>>;

/**
 * Opens a model folder's tokenizer.json. The special tokens are those that tokenizer_config.json names, or else the ids in
 * config.json (the first, where it lists several); both files may be absent.
 *
 * Errors: INFERENCE_TOKENIZER_INVALID.
 */
export async function openTokenizer(folder: string): Promise<Tokenizer> {
  try {
    const [definition, tokenizerConfig, config] = await Promise.all([
      readJson(join(folder, 'tokenizer.json')),
      readJson(join(folder, 'tokenizer_config.json'), {}),
      readJson(join(folder, 'config.json'), {}),
    ]);
    const tokenizer = new HubTokenizer(definition, tokenizerConfig);
    const special = (name: 'bos' | 'eos'): number | undefined => {
      const text = textOf(tokenizerConfig[`${name}_token`]);
      return (text === undefined ? undefined : tokenizer.token_to_id(text)) ?? idOf(config[`${name}_token_id`]);
    };
    return {
      encode: (text) => tokenizer.encode(text, { add_special_tokens: false }).ids,
      vocabularySize: [...tokenizer.get_vocab().values()].reduce((most, id) => Math.max(most, id + 1), 0),
      bosTokenId: special('bos'),
      eosTokenId: special('eos'),
    };
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

/** A special token is its text, or a description that holds it. */
function textOf(token: unknown): string | undefined {
  const text = typeof token === 'object' && token !== null && 'content' in token ? token.content : token;
  return typeof text === 'string' ? text : undefined;
}

function idOf(value: unknown): number | undefined {
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'number' ? first : undefined;
}

async function readJson(file: string, whenAbsent?: Raw): Promise<Raw> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (isAbsent && whenAbsent !== undefined) return whenAbsent;
    throw error;
  }
  const value: unknown = JSON.parse(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new TypeError(`${file} is not a JSON object`);
}
