import { Tokenizer } from '@huggingface/tokenizers';
import { describe, expect, it } from 'vitest';
import { createIdMap } from '../../../../weights/plan/vocabulary/create-id-map.ts';
import { extendAddedTokens } from '../../../../weights/plan/vocabulary/extend-added-tokens.ts';
import { extendTokenizerConfig } from '../../../../weights/plan/vocabulary/extend-tokenizer-config.ts';
import { extendTokenizer, type ExtendedTokenizer } from '../../../../weights/plan/vocabulary/extend-tokenizer.ts';
import { parseAddedTokens, type AddedToken } from '../../../../weights/plan/vocabulary/parse-added-tokens.ts';
import type { VocabularyInput } from '../../../../weights/plan/vocabulary/types.ts';
import { parseVocabulary } from '../../../../weights/plan/vocabulary.ts';
import { planOf } from './vocabularies.ts';

const FLAGS = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };

/** A byte-level tokenizer.json of single letters and some merges, laid out as the tokenizers library does. */
function tokenizerText(
  vocab: readonly string[],
  merges: readonly string[],
  added: readonly { readonly id: number; readonly content: string; readonly special?: boolean }[],
): string {
  return JSON.stringify(
    {
      version: '1.0',
      added_tokens: added.map((token) => ({
        ...token,
        ...FLAGS,
        ...('special' in token && { special: token.special }),
      })),
      normalizer: null,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      post_processor: null,
      decoder: { type: 'ByteLevel' },
      model: { type: 'BPE', vocab: Object.fromEntries(vocab.map((token, id) => [token, id])), merges, unk_token: null },
    },
    null,
    2,
  );
}

const base = tokenizerText(['a', 'b', 'c', 'ab'], ['a b'], [{ id: 4, content: '<eos>' }]);
const tuned = tokenizerText(
  ['a', 'b', 'c', 'ab'],
  ['a b'],
  [
    { id: 4, content: '<eos>' },
    { id: 5, content: '<user>' },
    { id: 6, content: '<think>', special: false },
  ],
);
/** One merge more, which pushes `<eos>` from row 4 to 5. */
const target = tokenizerText(['a', 'b', 'c', 'ab', 'abc'], ['a b', 'ab c'], [{ id: 5, content: '<eos>' }]);

const PATHS = { targetPath: 'target/tokenizer.json', tunedPath: 'tuned/tokenizer.json' };

function models(rows: number): Pick<VocabularyInput, 'base' | 'tuned' | 'target'> {
  const of = (text: string): VocabularyInput['base'] => ({
    vocabulary: { kind: 'tokens', tokens: parseVocabulary(text, 'tokenizer.json') },
    rows,
  });
  return { base: of(base), tuned: of(tuned), target: of(target) };
}

const plan = planOf(
  models(8),
  parseAddedTokens(tuned, 'tokenizer.json').map(({ content }) => content),
);

function extended(): ExtendedTokenizer {
  return extendTokenizer({ targetText: target, tunedText: tuned, appended: plan.appended, ...PATHS });
}

describe('an extended tokenizer', () => {
  it("encodes with the target's merges, and the fine-tune's tokens as one id each", () => {
    const tokenizer = new Tokenizer(JSON.parse(extended().text) as object, {});
    expect(tokenizer.encode('<user>abcab<think><eos>', { add_special_tokens: false }).ids).toEqual([6, 4, 3, 7, 5]);
  });

  it('says of every token the row that the plan gives it', () => {
    const tokens = parseVocabulary(extended().text, 'tokenizer.json');
    expect(Object.fromEntries(tokens)).toEqual({
      ...{ a: 0, b: 1, c: 2, ab: 3, abc: 4, '<eos>': 5, '<user>': 6, '<think>': 7 },
    });
  });

  it("changes nothing in the target's text but the list of added tokens", () => {
    const { text } = extended();
    const without = (json: string): string => json.replace(/"added_tokens": \[.*?\n {2}\]/s, '"added_tokens": []');
    expect(text).not.toBe(target);
    expect(without(text)).toBe(without(target));
  });

  it("keeps the fine-tune's flags", () => {
    expect(parseAddedTokens(extended().text, 'tokenizer.json').at(-1)).toEqual({
      content: '<think>',
      id: 7,
      flags: { ...FLAGS, special: false },
    });
  });

  it('is the target itself, byte for byte, where nothing is appended', () => {
    const { text } = extendTokenizer({ targetText: target, tunedText: tuned, appended: [], ...PATHS });
    expect(text).toBe(target);
  });

  it('is refused where a loader would number the appended tokens otherwise', () => {
    const holed = tokenizerText(['a', 'b'], [], [{ id: 9, content: '<eos>' }]);
    const appended = [{ token: '<user>', from: 5, to: 10 }];
    expect(() => extendTokenizer({ targetText: holed, tunedText: tuned, appended, ...PATHS })).toThrow(
      expect.objectContaining({
        code: 'WEIGHTS_TOKENIZER_INVALID',
        message:
          'target/tokenizer.json: the tokenizer has unused ids below 10, so that "<user>" would be loaded as 3; ' +
          'save the tokenizer again with the tokenizers library.',
      }),
    );
  });

  it('takes an added token that is also in the model vocabulary for one row', () => {
    const inside = tokenizerText(['a', '<eos>'], [], [{ id: 1, content: '<eos>' }]);
    const appended = [{ token: '<user>', from: 5, to: 2 }];
    const { addedTokens } = extendTokenizer({ targetText: inside, tunedText: tuned, appended, ...PATHS });
    expect(addedTokens.map(({ id }) => id)).toEqual([1, 2]);
  });

  it('can be a unigram tokenizer', () => {
    const unigram = '{"added_tokens": [], "model": {"type": "Unigram", "vocab": [["a", -1.0], ["b", -2.5]]}}';
    const appended = [{ token: '<user>', from: 5, to: 2 }];
    const { text } = extendTokenizer({ targetText: unigram, tunedText: tuned, appended, ...PATHS });
    expect(text).toContain('["a", -1.0]');
    expect(parseVocabulary(text, 'tokenizer.json').get('<user>')).toBe(2);
  });

  it.each(['[]', '{', '{"added_tokens": [{"id": 1}]}', '{"added_tokens": [{"id": -1, "content": "x"}]}'])(
    'cannot be made from a tokenizer.json of %s',
    (text) => {
      const appended = [{ token: '<user>', from: 5, to: 2 }];
      const invalid = expect.objectContaining({ code: 'WEIGHTS_TOKENIZER_INVALID' });
      expect(() => extendTokenizer({ targetText: text, tunedText: tuned, appended, ...PATHS })).toThrow(invalid);
      expect(() => extendTokenizer({ targetText: target, tunedText: text, appended, ...PATHS })).toThrow(invalid);
    },
  );
});

describe('the files beside an extended tokenizer', () => {
  const addedTokens: readonly AddedToken[] = extended().addedTokens;
  const config = {
    added_tokens_decoder: { 4: { content: '<eos>', ...FLAGS }, 5: { content: '<user>', ...FLAGS } },
    chat_template: '{{ messages }}',
    eos_token: '<user>',
    model_max_length: 4096,
    tokenizer_class: 'LlamaTokenizer',
  };

  it("have the fine-tune's chat template and special tokens, the target's rules, and the new ids", () => {
    const text = extendTokenizerConfig({
      tuned: config,
      tunedText: JSON.stringify(config, null, 2),
      target: {
        model_max_length: 131072,
        tokenizer_class: 'PreTrainedTokenizerFast',
        eos_token: '<eos>',
        legacy: true,
      },
      addedTokens,
    });
    expect(JSON.parse(text)).toEqual({
      ...config,
      model_max_length: 131072,
      tokenizer_class: 'PreTrainedTokenizerFast',
      added_tokens_decoder: {
        5: { content: '<eos>', ...FLAGS },
        6: { content: '<user>', ...FLAGS },
        7: { content: '<think>', ...FLAGS, special: false },
      },
    });
  });

  it("are the fine-tune's, byte for byte, where they say what they should", () => {
    const tunedText = '{"eos_token":  "<user>"}';
    expect(
      extendTokenizerConfig({ tuned: { eos_token: '<user>' }, tunedText, target: { legacy: false }, addedTokens }),
    ).toBe(tunedText);
    const listed = '{"<user>":6 }';
    expect(extendAddedTokens({ tuned: { '<user>': 6 }, tunedText: listed, target: null, addedTokens })).toBe(listed);
  });

  it('list added tokens of both models under the ids of the output, and none that it lacks', () => {
    const own = { '<user>': 5, '<think>': 6, '<gone>': 9 };
    const text = extendAddedTokens({ tuned: own, tunedText: '', target: { '<eos>': 5 }, addedTokens });
    expect(text).toBe('{\n  "<eos>": 5,\n  "<user>": 6,\n  "<think>": 7\n}\n');
  });
});

describe('an id map', () => {
  const ids = createIdMap(models(8), plan);

  it('follows a token to its row', () => {
    expect([0, 3, 4, 5, 6].map(ids)).toEqual([0, 3, 5, 6, 7]);
  });

  it('has no answer for an id without a token, and leaves what means none', () => {
    expect(ids(7)).toBeNull();
    expect(ids(-1)).toBe(-1);
  });

  it("changes nothing where the tokenizer is the fine-tune's", () => {
    const same = { base: models(8).base, tuned: models(8).tuned, target: models(8).base };
    expect([0, 6, 99].map(createIdMap(same, planOf(same, ['<user>', '<think>'])))).toEqual([0, 6, 99]);
  });
});
