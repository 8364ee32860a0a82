import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import type { ConnectionOptions, TLSConfig } from '@temporalio/client';
import { messageOf } from '../contracts/error.ts';

const HANDSHAKE_WITHIN_MS = 5_000;
/** A server that refuses our certificate says so after the handshake (TLS 1.3), in a moment. */
const REFUSAL_WITHIN_MS = 1_000;
const HUNG_UP = 'the server hung up right after the handshake, as one does that does not take the client certificate';
/** Errors of a handshake; others are of the network. */
const OF_TLS = /^(ERR_(SSL|TLS)_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_CA|HOSTNAME_MISMATCH|EPROTO$)/;

/**
 * Why the TLS handshake with a server fails; null: it does not, or it is no matter of TLS. gRPC does not tell what it heard:
 * it tries again and again until its time is up.
 *
 * @param signal aborted when nobody wants to know any more
 */
export async function tlsProblem(
  address: string,
  option: NonNullable<ConnectionOptions['tls']>,
  signal: AbortSignal,
): Promise<string | null> {
  const socket = tls.connect(handshakeOf(address, typeof option === 'boolean' ? {} : option));
  const within = (milliseconds: number) => ({ signal: AbortSignal.any([signal, AbortSignal.timeout(milliseconds)]) });
  let isShaken = false;
  try {
    await once(socket, 'secureConnect', within(HANDSHAKE_WITHIN_MS));
    isShaken = true;
    socket.resume(); // otherwise nothing is read, and the refusal not heard
    await once(socket, 'end', within(REFUSAL_WITHIN_MS));
    return HUNG_UP;
  } catch (error) {
    return whyOf(error, isShaken);
  } finally {
    socket.on('error', () => undefined); // of a socket that nobody looks at any more
    socket.destroy();
  }
}

/** As gRPC makes it. */
function handshakeOf(address: string, config: TLSConfig): tls.ConnectionOptions {
  const { clientCertPair, serverRootCACertificate, serverNameOverride } = config;
  const { hostname, port } = new URL(`tls://${address}`);
  const host = hostname.replace(/^\[|\]$/g, '');
  const name = serverNameOverride ?? host;
  return {
    ...{ host, port: Number(port || 7233), ALPNProtocols: ['h2'] },
    ...(net.isIP(name) === 0 && { servername: name }),
    ...(serverRootCACertificate !== undefined && { ca: Buffer.from(serverRootCACertificate) }),
    ...(clientCertPair !== undefined && {
      cert: Buffer.from(clientCertPair.crt),
      key: Buffer.from(clientCertPair.key),
    }),
  };
}

function whyOf(error: unknown, isShaken: boolean): string | null {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (OF_TLS.test(code)) return `${messageOf(error).split('\n')[0] ?? ''} (${code})`;
  return isShaken && code === 'ECONNRESET' ? HUNG_UP : null;
}
