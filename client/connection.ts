import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { messageOf, RegraftError } from '../contracts/error.ts';

/** File in the home folder in which an embedded server leaves its address. */
export const SERVER_FILE = 'temporal.json';

const CONNECT_TIMEOUT_MS = 10_000;

/** Where Temporal is and how to reach it. */
export interface TemporalTarget {
  /** For clients and workers alike. */
  readonly connectionOptions: Pick<ConnectionOptions, 'address' | 'tls' | 'metadata'> & { readonly apiKey?: string };
  readonly namespace: string;
  /** Who said so, for people. */
  readonly from: string;
}

/** True when the environment names a server of the user's own. */
export function namesOwnServer(environment: Readonly<Record<string, string | undefined>>): boolean {
  return (environment['TEMPORAL_ADDRESS'] ?? '') !== '' || (environment['TEMPORAL_PROFILE'] ?? '') !== '';
}

/**
 * TEMPORAL_ADDRESS (or a profile) through Temporal's own environment configuration if set, else the embedded server that
 * `regraft up` left in the home folder.
 * @throws RegraftError TEMPORAL_NOT_RUNNING
 */
export async function findTemporal(
  home: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<TemporalTarget> {
  if (namesOwnServer(environment)) {
    const set = Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const { connectionOptions, namespace } = loadClientConnectConfig({ overrideEnvVars: Object.fromEntries(set) });
    const { address, tls, metadata, apiKey } = connectionOptions;
    return {
      connectionOptions: {
        ...(address !== undefined && { address }),
        ...(tls !== undefined && { tls }),
        ...(metadata !== undefined && { metadata }),
        ...(typeof apiKey === 'string' && { apiKey }),
      },
      namespace: namespace ?? 'default',
      from: 'the TEMPORAL_* environment',
    };
  }
  const file = path.join(home, SERVER_FILE);
  try {
    const found: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (typeof found === 'object' && found !== null && 'address' in found && typeof found.address === 'string') {
      return { connectionOptions: { address: found.address }, namespace: 'default', from: file };
    }
  } catch {
    // said below: no file and a torn file mean the same to the user
  }
  throw new RegraftError(
    'TEMPORAL_NOT_RUNNING',
    `No Temporal server is known: ${file} names none and TEMPORAL_ADDRESS is not set; start one with \`regraft up\`, or set TEMPORAL_ADDRESS.`,
  );
}

/** A connected client. @throws RegraftError TEMPORAL_UNREACHABLE */
export async function connectClient(target: TemporalTarget): Promise<Client> {
  const address = target.connectionOptions.address ?? 'localhost:7233';
  try {
    const connection = await Connection.connect({ ...target.connectionOptions, connectTimeout: CONNECT_TIMEOUT_MS });
    return new Client({ connection, namespace: target.namespace });
  } catch (error) {
    throw new RegraftError(
      'TEMPORAL_UNREACHABLE',
      `Temporal at ${address} (from ${target.from}) does not answer: ${messageOf(error)}; start it with \`regraft up\`, or correct TEMPORAL_ADDRESS.`,
      { retryable: true, cause: error },
    );
  }
}
