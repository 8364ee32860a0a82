import type { Client } from '@temporalio/client';
import { connectClient, type TemporalTarget } from './connection.ts';

/** A client that is connected when it is first needed, and again wherever its server is by then. */
export interface OnDemand {
  /** @throws TEMPORAL_NOT_RUNNING, TEMPORAL_UNREACHABLE */
  client(): Promise<Client>;
  close(): Promise<void>;
}

/**
 * For what runs longer than its server: each time, `find` says where Temporal is, and only a server that has moved (an
 * embedded one may come back at another port) is connected to anew.
 */
export function connectOnDemand(find: () => Promise<TemporalTarget>): OnDemand {
  let current: { readonly address: string; readonly client: Promise<Client> } | null = null;
  const drop = async (): Promise<void> => {
    const dropped = await current?.client.catch(() => null); // one that never connected has nothing to close
    current = null;
    await dropped?.connection.close();
  };
  return {
    async client() {
      const target = await find();
      const address = target.connectionOptions.address ?? '';
      if (current !== null && current.address !== address) await drop();
      current ??= { address, client: connectClient(target) };
      const asked = current;
      try {
        return await asked.client;
      } catch (error) {
        if (current === asked) current = null;
        throw error;
      }
    },
    close: drop,
  };
}
