import type { PayloadCodec } from '@temporalio/common';
import { findDataConverter } from '../client/codec/data-converter.ts';
import { readPrivateFile } from '../client/private-file.ts';
import { RegraftError } from '../contracts/error.ts';

const SHORTEST_TOKEN = 16;

/** The codec of this process. @throws RegraftError CODEC_KEYS_MISSING, CODEC_KEYS_* */
export async function requireCodec(environment: Readonly<Record<string, string | undefined>>): Promise<PayloadCodec> {
  const [codec] = (await findDataConverter(environment))?.payloadCodecs ?? [];
  if (codec !== undefined) return codec;
  const why =
    'There is nothing to decrypt with: REGRAFT_CODEC_KEYS is not set; name the file of keys that the workers have.';
  throw new RegraftError('CODEC_KEYS_MISSING', why);
}

/** @throws RegraftError CODEC_TOKEN_UNREADABLE, CODEC_TOKEN_EXPOSED, CODEC_TOKEN_INVALID */
export async function readCodecServerToken(file: string): Promise<string> {
  const name = { file, subject: 'The token', namedBy: '--token-file', code: 'CODEC_TOKEN' };
  const token = (await readPrivateFile(name)).trim();
  if (token.length >= SHORTEST_TOKEN && !/\s/.test(token)) return token;
  const found = /\s/.test(token) ? 'several words' : `${String(token.length)} characters`;
  const why = `The token in ${file} has ${found}, expected one word of at least ${String(SHORTEST_TOKEN)}; make one with \`openssl rand -hex 32\`.`;
  throw new RegraftError('CODEC_TOKEN_INVALID', why);
}
