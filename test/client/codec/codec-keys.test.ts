import { describe, expect, it } from 'vitest';
import { readCodecKeys } from '../../../client/codec/codec-keys.ts';
import { findDataConverter } from '../../../client/codec/data-converter.ts';
import { makeKeyLine, writeCodecKeys, writePrivate } from '../../support/codec-keys.ts';

describe('a file of codec keys', () => {
  it('has a key a line, the newest last, and lines for people', async () => {
    const file = await writeCodecKeys(makeKeyLine('2026-01'), '', '# the new one', makeKeyLine('2026-05'));
    const { newest, byId } = await readCodecKeys(file);
    expect(newest).toBe('2026-05');
    expect([...byId.keys()]).toEqual(['2026-01', '2026-05']);
    expect(byId.get('2026-01')?.symmetricKeySize).toBe(32);
  });

  it.each([
    [0o640, '0640'],
    [0o604, '0604'],
    [0o660, '0660'],
  ])('is refused when others may use it: mode %i', async (mode, shown) => {
    const file = await writePrivate('keys', makeKeyLine('a'), mode);
    await expect(readCodecKeys(file)).rejects.toMatchObject({
      code: 'CODEC_KEYS_EXPOSED',
      message: `The codec keys in ${file} (named by REGRAFT_CODEC_KEYS) can be used by others: its mode is ${shown}, expected 0600; run \`chmod 600 ${file}\`.`,
    });
  });

  it('may be read-only', async () => {
    const file = await writePrivate('keys', makeKeyLine('a'), 0o400);
    expect((await readCodecKeys(file)).newest).toBe('a');
  });

  it('is refused with every problem, and without any key in the sentence', async () => {
    const [good, short] = [makeKeyLine('good'), 'c2hvcnQ='];
    const file = await writeCodecKeys(good, 'lonely', `bad/id ${short}`, `short ${short}`, good, `more ${short} words`);
    const refused = readCodecKeys(file);
    await expect(refused).rejects.toMatchObject({
      code: 'CODEC_KEYS_INVALID',
      message: `The codec keys in ${file} are invalid: line 3: found 1 words, expected an id and a key; line 4: the id has other characters than letters, digits, dots, dashes and underscores; line 5: the key short is not 32 bytes in base64; line 6: the id good is there twice; line 7: found 3 words, expected an id and a key; write a line for each key, \`ID BASE64\`, with \`openssl rand -base64 32\` for the second word.`,
    });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining(short) });
  });

  it('without a key is refused, and so is one that is not there', async () => {
    await expect(readCodecKeys(await writeCodecKeys())).rejects.toMatchObject({
      code: 'CODEC_KEYS_INVALID',
      message: expect.stringContaining('there is no key in it'),
    });
    await expect(findDataConverter({ REGRAFT_CODEC_KEYS: '/nowhere/keys' })).rejects.toMatchObject({
      code: 'CODEC_KEYS_UNREADABLE',
      message: expect.stringMatching(
        /^The codec keys in \/nowhere\/keys \(named by REGRAFT_CODEC_KEYS\) cannot be read: /,
      ),
    });
  });

  it('is not needed: without one payloads are as Temporal makes them', async () => {
    expect(await findDataConverter({})).toBeNull();
    expect(await findDataConverter({ REGRAFT_CODEC_KEYS: '' })).toBeNull();
  });
});
