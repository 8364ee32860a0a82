import { readFile } from 'node:fs/promises';
import http2 from 'node:http2';
import { once } from 'node:events';
import { freePort } from '../../workers/loopback-ports.ts';
import type { Certificate } from './certificates.ts';

/** Ends TLS in front of a Temporal server, as a company's proxy or Temporal Cloud does, and asks for an API key. */
export interface GrpcProxy {
  readonly address: string;
  readonly port: number;
  /** What requests have said in `authorization`, each once. */
  readonly authorizations: ReadonlySet<string>;
  close(): Promise<void>;
}

const UNAUTHENTICATED = {
  ':status': 200,
  'content-type': 'application/grpc',
  'grpc-status': '16',
  'grpc-message': 'no such key',
};

/**
 * Starts one. Clients need a certificate of `clients`, and the key, unless it is null.
 */
export async function startGrpcProxy(options: {
  readonly backend: string;
  readonly certificate: Certificate;
  readonly clients: Certificate;
  readonly apiKey: string | null;
}): Promise<GrpcProxy> {
  const { backend, certificate, clients, apiKey } = options;
  const authorizations = new Set<string>();
  const sessions = new Set<http2.Http2Session>();
  const upstream = http2.connect(`http://${backend}`);
  const server = http2.createSecureServer({
    ...{ cert: await readFile(certificate.crt), key: await readFile(certificate.key) },
    ...{ ca: await readFile(clients.crt), requestCert: true, rejectUnauthorized: true },
  });
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    const authorization = headers['authorization'] ?? '';
    authorizations.add(authorization);
    if (apiKey !== null && authorization !== `Bearer ${apiKey}`) stream.respond(UNAUTHENTICATED, { endStream: true });
    else forward(stream, headers, upstream);
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${String(port)}`,
    port,
    authorizations,
    async close() {
      for (const session of sessions) session.destroy();
      upstream.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function forward(
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
  upstream: http2.ClientHttp2Session,
): void {
  const request = upstream.request({ ...headers, ':scheme': 'http', ':authority': 'temporal' });
  const end = (): void => {
    stream.destroy();
    request.destroy();
  };
  stream.on('error', end).on('aborted', end);
  request.on('error', end);
  let trailers: http2.IncomingHttpHeaders = {};
  request.on('trailers', (received) => {
    trailers = received;
  });
  request.on('response', (received, flags) => {
    if (stream.destroyed) return;
    const isAll = (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    stream.on('wantTrailers', () => {
      stream.sendTrailers(trailers);
    });
    stream.respond(received, isAll ? { endStream: true } : { waitForTrailers: true });
    if (!isAll) request.pipe(stream);
  });
  stream.pipe(request);
}
