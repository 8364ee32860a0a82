import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openTokenizer } from '../../inference/index.ts';
import { temporaryFolder } from '../support/safetensors.ts';
import { makeModels } from './python.ts';

const TEXTS = [
  '',
  '12+34=46',
  ' leading and trailing ',
  'two  spaces\tand\n\nnewlines\n',
  'not in the vocabulary: ~ß漢_',
  '~~~',
  '<bos>1<eos>',
  '<bo<bos>s>',
  '<BOS> <pad',
  '<pad><pad>2',
  'cafe\u0301 é',
  '🙂🙂 Δ∑字',
  '👩‍👩‍👧',
  '\u0000\u200b\ufeff7',
  '\r\n',
  '"quotes" and \\ backslashes',
  'constructor __proto__ toString',
  'ab '.repeat(500),
];

describe('a tokenizer of one character a token', () => {
  it('gives the ids that the Python library gives, without special tokens around them', async () => {
    const folder = join(await temporaryFolder(), 'model');
    const made = z
      .object({ ids: z.array(z.array(z.int())), size: z.int() })
      .parse(await makeModels(['tokenizer', folder], TEXTS));
    await writeFile(join(folder, 'tokenizer_config.json'), '{"bos_token": "<bos>", "eos_token": {"content": "<eos>"}}');
    const tokenizer = await openTokenizer(folder);
    const ours = TEXTS.map((text) => ({ text, ids: tokenizer.encode(text) }));
    expect(ours).toEqual(TEXTS.map((text, index) => ({ text, ids: made.ids[index] })));
    expect(made.ids[1]).toHaveLength(8);
    expect(tokenizer.encode('<bos>1<eos>')).toEqual([1, 4, 2]);
    expect(tokenizer).toMatchObject({ vocabularySize: made.size, bosTokenId: 1, eosTokenId: 2 });

    // The same text again, in another order: nothing is remembered between calls.
    expect([...TEXTS].reverse().map((text) => tokenizer.encode(text))).toEqual([...made.ids].reverse());

    await writeFile(join(folder, 'tokenizer_config.json'), '{}');
    await writeFile(join(folder, 'config.json'), '{"bos_token_id": 1, "eos_token_id": [2, 0]}');
    expect(await openTokenizer(folder)).toMatchObject({ bosTokenId: 1, eosTokenId: 2 });
    await writeFile(join(folder, 'config.json'), '{"bos_token_id": null}');
    const unnamed = await openTokenizer(folder);
    expect([unnamed.bosTokenId, unnamed.eosTokenId]).toEqual([undefined, undefined]);
  }, 60_000);

  it('names the folder and the file when there is no tokenizer or it is not one', async () => {
    const folder = await temporaryFolder();
    const code = 'INFERENCE_TOKENIZER_INVALID';
    await expect(openTokenizer(folder)).rejects.toThrow(join(folder, 'tokenizer.json'));
    for (const text of ['not JSON', '[]', '{}', '{"model": {"type": "Nothing"}}']) {
      await writeFile(join(folder, 'tokenizer.json'), text);
      await expect(openTokenizer(folder), text).rejects.toMatchObject({ code });
    }
  });
});
