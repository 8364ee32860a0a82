import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import type { Hono } from 'hono';
import { messageOf, RegraftError } from '../../contracts/error.ts';
import { isErrno } from '../store/atomic-file.ts';

export interface ServedApp {
  /** e.g. http://127.0.0.1:8790 */
  readonly url: string;
  close(): Promise<void>;
}

export interface ServeOptions {
  /** 0 takes a free one. */
  readonly port: number;
  readonly host: string;
  /** How long a whole request may take to come in; node's own limits unless given. */
  readonly requestTimeoutMs?: number;
  /** What a port that cannot be opened is told as: `Port 1 of 127.0.0.1 for WHAT cannot be opened: …; TODO`. */
  readonly unavailable: { readonly code: string; readonly what: string; readonly todo: string };
}

/** An app on a port. @throws RegraftError with the code of `unavailable`, retryable */
export async function serveApp(app: Hono, options: ServeOptions): Promise<ServedApp> {
  const { port, host: hostname } = options;
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port, hostname, serverOptions: timeoutsOf(options) }, (address) => {
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
    server.on('error', (error: Error) => {
      reject(portUnavailable(options, error));
    });
  });
}

function timeoutsOf({ requestTimeoutMs }: ServeOptions) {
  if (requestTimeoutMs === undefined) return {};
  return { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs, connectionsCheckingInterval: 1_000 };
}

function portUnavailable({ port, host, unavailable }: ServeOptions, error: Error): RegraftError {
  const { code, what, todo } = unavailable;
  const why = isErrno(error, 'EADDRINUSE') ? 'another program uses it' : messageOf(error);
  const message = `Port ${String(port)} of ${host} for ${what} cannot be opened: ${why}; ${todo}.`;
  return new RegraftError(code, message, { retryable: true });
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${String(port)}`;
}
