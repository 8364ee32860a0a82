import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { RegraftError } from '../../contracts/error.ts';
import type { CodecKeys } from './codec-keys.ts';

const ENCODING = 'binary/encrypted';
const CIPHER = 'AES-256-GCM';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const PayloadMessage = proto.temporal.api.common.v1.Payload;

/**
 * Encrypts whole payloads, their metadata included, with AES-256-GCM; a fresh nonce each. The bytes are nonce, ciphertext,
 * tag, and the metadata says which key, as in Temporal's own samples. What is not encrypted passes through decoding, so that
 * histories from before encryption can be read.
 *
 * @throws RegraftError CODEC_KEY_UNKNOWN, CODEC_PAYLOAD_DAMAGED when decoding
 */
export function createEncryptionCodec(keys: CodecKeys): PayloadCodec {
  return {
    encode: (payloads) => Promise.resolve(payloads.map((payload) => encrypt(payload, keys))),
    // Inside `then`: what is thrown has to be a rejection.
    decode: (payloads) => Promise.resolve(payloads).then((all) => all.map((payload) => decrypt(payload, keys))),
  };
}

function encrypt(payload: Payload, { newest, byId }: CodecKeys): Payload {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyOf(newest, byId), nonce);
  const plain = PayloadMessage.encode(payload).finish();
  return {
    metadata: {
      encoding: Buffer.from(ENCODING),
      'encryption-cipher': Buffer.from(CIPHER),
      'encryption-key-id': Buffer.from(newest),
    },
    data: Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]),
  };
}

function decrypt(payload: Payload, { byId }: CodecKeys): Payload {
  if (textOf(payload, 'encoding') !== ENCODING) return payload;
  const id = textOf(payload, 'encryption-key-id');
  const key = keyOf(id, byId);
  const data = payload.data ?? new Uint8Array();
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, data.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAuthTag(data.subarray(-TAG_BYTES));
    const plain = Buffer.concat([decipher.update(data.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    return PayloadMessage.decode(plain);
  } catch (error) {
    const why = `A payload encrypted with the codec key ${id} does not decrypt: it was changed, or the key of that id is another one here than where it was written; give every process the same keys.`;
    throw new RegraftError('CODEC_PAYLOAD_DAMAGED', why, { cause: error });
  }
}

function keyOf(id: string, byId: CodecKeys['byId']) {
  const key = byId.get(id);
  if (key !== undefined) return key;
  throw new RegraftError(
    'CODEC_KEY_UNKNOWN',
    `A payload is encrypted with the codec key ${JSON.stringify(id)}, and here there are ${[...byId.keys()].join(', ')}; add that key to the file named by REGRAFT_CODEC_KEYS.`,
  );
}

function textOf({ metadata }: Payload, name: string): string {
  return Buffer.from(metadata?.[name] ?? []).toString('utf8');
}
