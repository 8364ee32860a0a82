import { isGrpcServiceError } from '@temporalio/client';
import { messageOf, RegraftError } from '../contracts/error.ts';

/** Codes of gRPC by which a server says that it does not know us. */
const REFUSALS: ReadonlyMap<number, string> = new Map([
  [7, 'PERMISSION_DENIED'],
  [16, 'UNAUTHENTICATED'],
]);

/**
 * Why a connection could not be made.
 * @param subject the server, as sentences begin with it
 */
export function asConnectError(error: unknown, subject: string): RegraftError {
  if (error instanceof RegraftError) return error;
  const refusal = refusalOf(error);
  if (refusal !== null) {
    const why = `${subject} does not let this client in: ${refusal}; check TEMPORAL_API_KEY, the client certificate and TEMPORAL_NAMESPACE.`;
    return new RegraftError('TEMPORAL_REFUSED', why, { cause: error });
  }
  const why = `${subject} does not answer: ${messageOf(error)}; start it with \`regraft up\`, or correct TEMPORAL_ADDRESS.`;
  return new RegraftError('TEMPORAL_UNREACHABLE', why, { retryable: true, cause: error });
}

/** A server that was reached, and with which no encrypted connection comes about. */
export function tlsFailed(problem: string, subject: string): RegraftError {
  const why = `${subject} was reached, and TLS with it fails: ${problem}; expected a server's certificate that TEMPORAL_TLS_SERVER_CA_CERT_PATH vouches for, and a client's that the server takes: correct TEMPORAL_TLS_*.`;
  return new RegraftError('TEMPORAL_TLS_FAILED', why);
}

function refusalOf(error: unknown): string | null {
  if (isGrpcServiceError(error)) {
    const name = REFUSALS.get(error.code);
    return name === undefined ? null : `${name}${error.details === '' ? '' : `, ${error.details}`}`;
  }
  return error instanceof Error && error.cause !== undefined ? refusalOf(error.cause) : null;
}
