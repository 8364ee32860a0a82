import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { messageOf, RegraftError } from '../contracts/error.ts';
import { findDataConverter } from './codec/data-converter.ts';
import { asConnectError, tlsFailed } from './connect-errors.ts';
import { tlsProblem } from './tls-problem.ts';

/** File in the home folder in which an embedded server leaves its address. */
export const SERVER_FILE = 'temporal.json';

const CONNECT_TIMEOUT_MS = 10_000;
const DEFAULT_ADDRESS = 'localhost:7233';

/** Where Temporal is and how to reach it. */
export interface TemporalTarget {
  /** For clients and workers alike. */
  readonly connectionOptions: Pick<ConnectionOptions, 'address' | 'tls' | 'metadata'> & { readonly apiKey?: string };
  readonly namespace: string;
  /** For clients and workers alike; left out: payloads as Temporal makes them by itself. */
  readonly dataConverter?: DataConverter;
  /** Who said so, for people. */
  readonly from: string;
}

/** True when the environment names a server of the user's own. */
export function namesOwnServer(environment: Readonly<Record<string, string | undefined>>): boolean {
  return (environment['TEMPORAL_ADDRESS'] ?? '') !== '' || (environment['TEMPORAL_PROFILE'] ?? '') !== '';
}

/**
 * TEMPORAL_ADDRESS (or a profile) through Temporal's own environment configuration if set, else the embedded server that
 * `regraft up` left in the home folder; with the payload codec of REGRAFT_CODEC_KEYS.
 * @throws RegraftError TEMPORAL_NOT_RUNNING, TEMPORAL_CONFIG_INVALID, CODEC_KEYS_*
 */
export async function findTemporal(
  home: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<TemporalTarget> {
  const target = namesOwnServer(environment) ? ownServer(environment) : await embeddedServer(home);
  const dataConverter = await findDataConverter(environment);
  return dataConverter === null ? target : { ...target, dataConverter };
}

function ownServer(environment: Readonly<Record<string, string | undefined>>): TemporalTarget {
  const set = Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined);
  try {
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
  } catch (error) {
    const why = `The TEMPORAL_* environment, or the profile that it names, cannot be used: ${messageOf(error)}; correct what it says (docs/deployment.md).`;
    throw new RegraftError('TEMPORAL_CONFIG_INVALID', why, { cause: error });
  }
}

async function embeddedServer(home: string): Promise<TemporalTarget> {
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

/** A connected client. @throws RegraftError TEMPORAL_UNREACHABLE, TEMPORAL_TLS_FAILED, TEMPORAL_REFUSED */
export async function connectClient(target: TemporalTarget): Promise<Client> {
  const { connectionOptions, namespace, dataConverter, from } = target;
  const subject = `Temporal at ${connectionOptions.address ?? DEFAULT_ADDRESS} (from ${from})`;
  const connection = Connection.lazy({ ...connectionOptions, connectTimeout: CONNECT_TIMEOUT_MS });
  const over = new AbortController();
  try {
    await Promise.race([connection.ensureConnected(), untilTlsFails(target, subject, over.signal)]);
    return new Client({ connection, namespace, ...(dataConverter !== undefined && { dataConverter }) });
  } catch (error) {
    await connection.close();
    throw asConnectError(error, subject);
  } finally {
    over.abort();
  }
}

/** Looks at the handshake by itself, since gRPC would wait in vain; never settles where there is nothing wrong with it. */
async function untilTlsFails(
  { connectionOptions: { address = DEFAULT_ADDRESS, tls } }: TemporalTarget,
  subject: string,
  signal: AbortSignal,
): Promise<never> {
  const problem = tls === undefined || tls === null || tls === false ? null : await tlsProblem(address, tls, signal);
  if (problem !== null) throw tlsFailed(problem, subject);
  return new Promise(() => undefined);
}
