import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import { readCodecKeys } from './codec-keys.ts';
import { createEncryptionCodec } from './encryption-codec.ts';

const FAILURE_CONVERTER = fileURLToPath(new URL('./encoding-failure-converter.cjs', import.meta.url));

/**
 * How clients, workers and replayers alike turn values into payloads: encrypted, texts of failures too, where
 * REGRAFT_CODEC_KEYS names a file of keys; null: as Temporal does by itself.
 *
 * @throws RegraftError CODEC_KEYS_*
 */
export async function findDataConverter(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<DataConverter | null> {
  const file = environment['REGRAFT_CODEC_KEYS'] ?? '';
  if (file === '') return null;
  const codec = createEncryptionCodec(await readCodecKeys(file));
  return { payloadCodecs: [codec], failureConverterPath: FAILURE_CONVERTER };
}
