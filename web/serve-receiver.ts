import { serveApp, type ServedApp } from '../adapters/http/serve-app.ts';
import { createReceiver, type ReceiverOptions } from './receiver.ts';

/** A whole delivery takes milliseconds; whoever sends slower holds a connection for nothing. */
const REQUEST_TIMEOUT_MS = 10_000;

/** The receiver on a port; 0 takes a free one. @throws RegraftError WEBHOOK_PORT_UNAVAILABLE */
export async function serveReceiver(
  options: ReceiverOptions & { readonly port: number; readonly host: string },
): Promise<ServedApp> {
  const { port, host } = options;
  return serveApp(createReceiver(options), {
    port,
    host,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    unavailable: {
      code: 'WEBHOOK_PORT_UNAVAILABLE',
      what: 'webhooks',
      todo: 'name another with --port or --host, port 0 takes a free one',
    },
  });
}
