import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { messageOf, RegraftError } from '../contracts/error.ts';
import { createReceiver, type ReceiverOptions } from './receiver.ts';

/** A whole delivery takes milliseconds; whoever sends slower holds a connection for nothing. */
const REQUEST_TIMEOUT_MS = 10_000;

export interface ServedReceiver {
  /** e.g. http://127.0.0.1:8790 */
  readonly url: string;
  close(): Promise<void>;
}

/** The receiver on a port; 0 takes a free one. @throws RegraftError WEBHOOK_PORT_UNAVAILABLE */
export async function serveReceiver(
  options: ReceiverOptions & { readonly port: number; readonly host: string },
): Promise<ServedReceiver> {
  const { port, host } = options;
  const timeouts = { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS };
  return new Promise((resolve, reject) => {
    const serverOptions = { ...timeouts, connectionsCheckingInterval: 1_000 };
    const server = serve({ fetch: createReceiver(options).fetch, port, hostname: host, serverOptions }, (address) => {
      resolve({
        url: urlOf(address),
        close: () =>
          new Promise((done) => {
            server.close(() => {
              done();
            });
          }),
      });
    });
    server.on('error', (error) => {
      reject(
        new RegraftError(
          'WEBHOOK_PORT_UNAVAILABLE',
          `Port ${String(port)} of ${host} for webhooks cannot be opened: ${messageOf(error)}; name another with --port or --host, port 0 takes a free one.`,
        ),
      );
    });
  });
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${String(port)}`;
}
