import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { InferenceError, openTokenizer } from '../../../inference/index.ts';
import { compileChatTemplate } from '../../../inference/text/chat-template.ts';
import { PROJECT_ROOT } from '../../../workers/settings.ts';
import { CONVERSATIONS, TEMPLATES } from './chat-templates.ts';

const KINDS = [
  ...['bytes-gpt2', 'bytes-llama3', 'bytes-qwen', 'metaspace-llama2', 'metaspace-mistral', 'word-level'],
] as const;
const TEXTS = [
  '',
  ' ',
  'The quick brown fox.',
  ' leading and trailing ',
  '  two  spaces\tand\n\n\nnewlines\n',
  "It's, isn't it? 'quoted' 12345 1,234.5",
  'not in any vocabulary: ᚠᛇᚻ ~ß漢_',
  'cafe\u0301 é ﬁ',
  '日本語の文章 и русский',
  '🙂🙂 👩‍👩‍👧 Δ∑字 🏳️‍🌈',
  '\u0000\u200b\ufeff7',
  '\r\n\r\n \r',
  '<s>1</s> <|user|> <|USER|> <s <s>>',
  'before[[note]] after [[note]]',
  '▁already▁there ▁',
  'constructor __proto__ toString',
  '!'.repeat(300),
  'ab '.repeat(400),
  'x'.repeat(3000),
];

const described = z.object({
  ids: z.array(z.array(z.int())),
  withSpecial: z.array(z.array(z.int())),
  decoded: z.array(z.string()),
  skipped: z.array(z.string()),
  size: z.int(),
});
const madeSchema = z.object({
  tokenizers: z.record(z.enum(KINDS), described),
  chats: z.array(z.array(z.union([z.tuple([z.string(), z.string()]), z.object({ error: z.string() })]))),
});

let root: string;
let made: z.infer<typeof madeSchema>;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'regraft-text-'));
  const script = join(import.meta.dirname, 'make-tokenizers.py');
  const env = { ...process.env, OMP_NUM_THREADS: '1', HF_HUB_OFFLINE: '1', TOKENIZERS_PARALLELISM: 'false' };
  const child = spawn(join(PROJECT_ROOT, '.venv', 'bin', 'python'), [script, root], { env });
  child.stdin.end(JSON.stringify({ texts: TEXTS, templates: Object.values(TEMPLATES), conversations: CONVERSATIONS }));
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (child.exitCode !== 0) throw new Error(errors);
  made = madeSchema.parse(JSON.parse(output));
}, 120_000);

afterAll(() => rm(root, { recursive: true, force: true }));

describe.each(KINDS)('a tokenizer of the kind %s', (kind) => {
  it('gives the ids that transformers gives, with and without the special tokens around a text', async () => {
    const tokenizer = await openTokenizer(join(root, kind));
    const expected = made.tokenizers[kind];
    const encode = (addSpecialTokens: boolean) =>
      TEXTS.map((each) => ({ text: each, ids: tokenizer.encode(each, { addSpecialTokens }) }));
    expect(encode(false)).toEqual(TEXTS.map((each, index) => ({ text: each, ids: expected.ids[index] })));
    expect(encode(true)).toEqual(TEXTS.map((each, index) => ({ text: each, ids: expected.withSpecial[index] })));
    expect(tokenizer.vocabularySize).toBe(expected.size);
    expect(tokenizer).toMatchObject({ bosTokenId: 1, eosTokenId: 2, padTokenId: 0, endTokenIds: [2] });
  });

  it('gives the text that transformers gives, with the special tokens and without', async () => {
    const tokenizer = await openTokenizer(join(root, kind));
    const expected = made.tokenizers[kind];
    const decode = (skipSpecialTokens: boolean) =>
      expected.withSpecial.map((ids) => tokenizer.decode(ids, { skipSpecialTokens }));
    expect(decode(false)).toEqual(expected.decoded);
    expect(decode(true)).toEqual(expected.skipped);
  });
});

describe('the chat templates of models', () => {
  it.each(Object.keys(TEMPLATES).map((name, index) => [name, index] as const))(
    '%s: gives the text that transformers gives, or refuses what it refuses',
    (name, index) => {
      const specialTokens = { bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>', pad_token: '<unk>' };
      const render = compileChatTemplate(TEMPLATES[name] ?? '', specialTokens, 'Model m');
      const ours = CONVERSATIONS.map((messages) => {
        try {
          return [true, false].map((addGenerationPrompt) => render(messages, { addGenerationPrompt }));
        } catch (error) {
          expect(error).toBeInstanceOf(InferenceError);
          return 'refused';
        }
      });
      const theirs = (made.chats[index] ?? []).map((each) => ('error' in each ? 'refused' : each));
      expect(theirs).toHaveLength(CONVERSATIONS.length);
      expect(ours).toEqual(theirs);
    },
  );

  it('are compared on what is refused too', () => {
    const refused = made.chats.flat().filter((each) => 'error' in each);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(CONVERSATIONS.length);
  });
});
