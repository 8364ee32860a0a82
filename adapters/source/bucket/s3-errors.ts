import { isCodedError, messageOf, RegraftError } from '../../../contracts/error.ts';

interface Rule {
  readonly names: readonly string[];
  readonly statuses: readonly number[];
  readonly code: string;
  /** What is the matter and what to do; the end of a sentence about the place. */
  readonly words: (facts: Facts) => string;
  readonly isPassing?: boolean;
}

/** The first that fits counts: by the error's name, or by the status of the answer. */
const RULES: readonly Rule[] = [
  {
    names: ['NoSuchBucket'],
    statuses: [],
    code: 'S3_NOT_FOUND',
    words: () => 'there is no such bucket; correct `family.bucket`, or make it.',
  },
  {
    names: ['CredentialsProviderError', 'ExpiredToken', 'InvalidToken'],
    statuses: [401, 403],
    code: 'S3_AUTH',
    words: ({ name, why }) =>
      `access is refused (${name}: ${why}); give the worker credentials that may list and read it.`,
  },
  {
    names: ['NoSuchKey', 'PreconditionFailed'],
    statuses: [404, 412],
    code: 'SOURCE_RELEASE_GONE',
    words: () => 'it has gone, or was replaced since it was listed; it is asked again.',
    isPassing: true,
  },
  {
    names: ['SlowDown', 'Throttling', 'ThrottlingException', 'RequestLimitExceeded'],
    statuses: [429, 503],
    code: 'S3_RATE_LIMITED',
    words: ({ name }) => `the store asks for patience (${name}); it is asked again later.`,
    isPassing: true,
  },
  {
    names: [],
    statuses: [301, 307, 400, 405, 409, 416],
    code: 'S3_REFUSED',
    words: ({ name, why }) =>
      `the store refused (${name}: ${why}); correct \`family.bucket\`, or region and AWS_ENDPOINT_URL_S3 of the worker.`,
  },
];

/** Anything the S3 client throws, as one of the service's errors. */
export function asS3Error(error: unknown, place: string): Error {
  if (isCodedError(error)) return error;
  const facts = factsOf(error);
  if (facts.why === 'Region is missing')
    return new RegraftError('S3_CONFIG', `${place}: no region is set; set AWS_REGION for the worker.`);
  const rule = RULES.find(
    ({ names, statuses }) => names.includes(facts.name) || statuses.includes(facts.status ?? NaN),
  );
  if (rule === undefined)
    return new RegraftError(
      'S3_UNREACHABLE',
      `${place}: the store does not answer (${facts.name}: ${facts.why}); it is asked again.`,
      { retryable: true },
    );
  return new RegraftError(rule.code, `${place}: ${rule.words(facts)}`, {
    retryable: rule.isPassing === true,
    ...(facts.retryAfterMs !== null && { retryAfterMs: facts.retryAfterMs }),
  });
}

interface Facts {
  readonly name: string;
  readonly why: string;
  /** Null: nobody answered. */
  readonly status: number | null;
  readonly retryAfterMs: number | null;
}

function factsOf(error: unknown): Facts {
  const name = error instanceof Error ? error.name : 'Error';
  const status = numberAt(error, '$metadata', 'httpStatusCode');
  const seconds = Number(textAt(error, '$response', 'headers', 'retry-after') ?? NaN);
  return {
    name,
    why: messageOf(error),
    status,
    retryAfterMs: Number.isFinite(seconds) ? Math.max(seconds, 1) * 1000 : null,
  };
}

function numberAt(value: unknown, ...keys: readonly string[]): number | null {
  const found = at(value, keys);
  return typeof found === 'number' ? found : null;
}

function textAt(value: unknown, ...keys: readonly string[]): string | null {
  const found = at(value, keys);
  return typeof found === 'string' ? found : null;
}

function at(value: unknown, keys: readonly string[]): unknown {
  return keys.reduce<unknown>((inner, key) => {
    if (typeof inner !== 'object' || inner === null || !(key in inner)) return undefined;
    return Reflect.get(inner, key);
  }, value);
}
