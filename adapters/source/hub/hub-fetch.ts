import { messageOf, RegraftError } from '../../../contracts/error.ts';

/** One request; downloads have their own watch over stalls. */
const ANSWER_WITHIN_MS = 60_000;
/** A Hub that asks for more is asked again no later. */
const MAX_RETRY_AFTER_MS = 3_600_000;

/** Where the Hub is, and who asks. The token leaves this folder in one header only. */
export interface HubAccess {
  readonly endpoint: string;
  readonly token: string | null;
}

/**
 * `fetch` in the service's words: whatever the Hub refuses is one of its coded errors, and a Hub that asks for patience gets
 * it. 404 passes, for its meaning depends on what was asked.
 * @throws HUB_UNREACHABLE, HUB_RATE_LIMITED (both retryable), HUB_AUTH, HUB_REFUSED
 */
export function createHubFetch(access: HubAccess, signal: AbortSignal, withinMs = ANSWER_WITHIN_MS): typeof fetch {
  return async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const limit = AbortSignal.timeout(withinMs);
    let response;
    try {
      response = await fetch(input, { ...init, signal: AbortSignal.any([signal, limit]) });
    } catch (error) {
      signal.throwIfAborted();
      throw new RegraftError(
        'HUB_UNREACHABLE',
        `The Hub at ${access.endpoint} does not answer: ${limit.aborted ? `nothing came within ${String(withinMs / 1000)} s` : reasonOf(error)}; it is asked again.`,
        { retryable: true },
      );
    }
    if (response.ok || response.status === 404 || response.status === 416) return response;
    throw await problemOf(response, new URL(url).pathname, access);
  };
}

/** The header that says who asks. */
export function authorization({ token }: HubAccess): Readonly<Record<string, string>> {
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

async function problemOf(response: Response, asked: string, access: HubAccess): Promise<RegraftError> {
  await response.body?.cancel();
  const { status, headers } = response;
  const answer = `The Hub at ${access.endpoint} answered ${String(status)} to ${decodeURIComponent(asked)}`;
  const retryAfterMs = retryAfterOf(headers);
  const patience = { retryable: true, ...(retryAfterMs !== null && { retryAfterMs }) };
  if (status === 429)
    return new RegraftError('HUB_RATE_LIMITED', `${answer}: too many requests; it is asked again later.`, patience);
  if (status >= 500 || status === 408)
    return new RegraftError('HUB_UNREACHABLE', `${answer}; it is asked again.`, patience);
  if (status !== 401 && status !== 403)
    return new RegraftError('HUB_REFUSED', `${answer}; correct \`family\`, or HF_ENDPOINT of the worker.`);
  const told = headers.get('x-error-code');
  if (told === 'GatedRepo')
    return new RegraftError(
      'HUB_AUTH',
      `${answer}: the repo is gated; ask for access on its page with the account of HF_TOKEN.`,
    );
  const who =
    access.token === null ? 'set HF_TOKEN for the worker' : 'HF_TOKEN of the worker has no access, give it some';
  return new RegraftError(
    'HUB_AUTH',
    `${answer}: the repo is private, or does not exist; correct its name, or ${who}.`,
  );
}

/** In milliseconds, from seconds or a date; null where the Hub says nothing usable. */
function retryAfterOf(headers: Headers): number | null {
  const text = headers.get('retry-after');
  if (text === null) return null;
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(waitMs) ? null : Math.min(Math.max(waitMs, 1000), MAX_RETRY_AFTER_MS);
}

/** What undici means is in the cause. */
function reasonOf(error: unknown): string {
  return messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
}
