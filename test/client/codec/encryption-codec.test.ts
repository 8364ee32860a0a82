import { createDecipheriv } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { readCodecKeys } from '../../../client/codec/codec-keys.ts';
import { createEncryptionCodec } from '../../../client/codec/encryption-codec.ts';
import { makeKeyLine, writeCodecKeys } from '../../support/codec-keys.ts';

const VALUE = { dataset: '/data/of-customers.jsonl', steps: 100 };
const PAYLOAD = defaultPayloadConverter.toPayload(VALUE);
const [OLD, NEW] = [makeKeyLine('2026-01'), makeKeyLine('2026-05')];

async function codecOf(...lines: readonly string[]) {
  return createEncryptionCodec(await readCodecKeys(await writeCodecKeys(...lines)));
}

const valueOf = ({ metadata, data }: Payload): unknown =>
  defaultPayloadConverter.fromPayload({ metadata: { ...metadata }, data: Uint8Array.from(data ?? []) });

const metadataOf = ({ metadata }: Payload) =>
  Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString()]));

async function encrypted(...lines: readonly string[]): Promise<Payload> {
  return (await (await codecOf(...lines)).encode([PAYLOAD]))[0]!;
}

describe('the encryption codec', () => {
  it('gives back what it was given, in the same order', async () => {
    const codec = await codecOf(NEW);
    const payloads = [1, 'two', VALUE, undefined].map((value) => defaultPayloadConverter.toPayload(value));
    const back = await codec.decode(await codec.encode(payloads));
    expect(back.map(valueOf)).toEqual([1, 'two', VALUE, undefined]);
  });

  it('leaves nothing readable, and no two payloads alike', async () => {
    const [one, two] = [await encrypted(NEW), await encrypted(NEW)];
    expect(Buffer.from(one.data!).toString('latin1')).not.toContain('customers');
    expect(Buffer.from(one.data!).equals(Buffer.from(two.data!))).toBe(false);
    expect(metadataOf(one)).toEqual({
      encoding: 'binary/encrypted',
      'encryption-cipher': 'AES-256-GCM',
      'encryption-key-id': '2026-05',
    });
  });

  it('is AES-256-GCM: nonce, ciphertext, tag', async () => {
    const data = Buffer.from((await encrypted(NEW)).data!);
    const key = Buffer.from(NEW.split(' ')[1]!, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', key, data.subarray(0, 12)).setAuthTag(data.subarray(-16));
    const plain = Buffer.concat([decipher.update(data.subarray(12, -16)), decipher.final()]);
    expect(plain.toString('latin1')).toContain(JSON.stringify(VALUE));
  });

  it('encrypts with the newest key and decrypts with any, so that keys can be changed', async () => {
    const before = await encrypted(OLD);
    const both = await codecOf(OLD, NEW);
    expect((await both.decode([before, await encrypted(NEW)])).map(valueOf)).toEqual([VALUE, VALUE]);
    expect(metadataOf((await both.encode([PAYLOAD]))[0]!)).toMatchObject({ 'encryption-key-id': '2026-05' });
  });

  it('reads what was written before there was encryption', async () => {
    expect(await (await codecOf(NEW)).decode([PAYLOAD])).toEqual([PAYLOAD]);
  });

  it('names a key that it does not have', async () => {
    await expect((await codecOf(NEW)).decode([await encrypted(OLD)])).rejects.toMatchObject({
      code: 'CODEC_KEY_UNKNOWN',
      message:
        'A payload is encrypted with the codec key "2026-01", and here there are 2026-05; add that key to the file named by REGRAFT_CODEC_KEYS.',
    });
  });

  it.each([
    ['the nonce', 0],
    ['the ciphertext', 20],
    ['the tag', -1],
  ])('refuses a payload in which %s was changed', async (_, at) => {
    const payload = await encrypted(NEW);
    const data = Buffer.from(payload.data!);
    data.writeUInt8(data.at(at)! ^ 1, at < 0 ? data.length + at : at);
    await expect((await codecOf(NEW)).decode([{ ...payload, data }])).rejects.toMatchObject({
      code: 'CODEC_PAYLOAD_DAMAGED',
    });
  });

  it('refuses a payload that was cut short, and one under a key that another key has the id of', async () => {
    const payload = await encrypted(NEW);
    for (const length of [0, 5, 20]) {
      const cut = { ...payload, data: payload.data!.subarray(0, length) };
      await expect((await codecOf(NEW)).decode([cut])).rejects.toMatchObject({ code: 'CODEC_PAYLOAD_DAMAGED' });
    }
    await expect((await codecOf(makeKeyLine('2026-05'))).decode([payload])).rejects.toMatchObject({
      code: 'CODEC_PAYLOAD_DAMAGED',
      message: expect.stringContaining('give every process the same keys'),
    });
  });
});
