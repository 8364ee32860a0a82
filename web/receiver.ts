import { createHash, timingSafeEqual } from 'node:crypto';
import { Hono, type Context, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Watch, Watches } from '../client/watches.ts';
import { isCodedError, messageOf } from '../contracts/error.ts';
import { fullBucket, takeToken, type Rate } from '../policy/token-bucket.ts';
import { concerns, judgeWebhook } from '../policy/webhook.ts';
import { parseHubDelivery } from './hub-delivery.schema.ts';
import { RecentKeys } from './recent-keys.ts';

/** A delivery with a thousand refs takes a fifth of this. */
export const MAX_BODY_BYTES = 1024 * 1024;
const REMEMBERED_CHANGES = 10_000;
const TEMPORAL_RETRY_SECONDS = 30;

/** A push of many revisions at once passes; a flood does not reach Temporal. */
const TOLD: Rate = { burst: 120, perSecond: 2 };
/** Those without the secret: answered, and written down, only so often. */
const STRANGERS: Rate = { burst: 10, perSecond: 0.2 };

export interface ReceiverOptions {
  /** What the Hub sends with every delivery. */
  readonly secret: string;
  /** Connected on demand. @throws TEMPORAL_UNREACHABLE and the like, retryable */
  readonly watches: () => Promise<Watches>;
  /** Milliseconds of a clock that does not go back. */
  readonly nowMs: () => number;
  /** Takes one line for people; it holds no secret, and of what was sent a repo's name at most. */
  readonly say: (line: string) => void;
  readonly rates?: { readonly told: Rate; readonly strangers: Rate };
}

/**
 * `POST /hub` for the webhooks of a Hub, and `/healthz`. A delivery is nothing but a reason to look: of its body only the
 * repo's name is used, to find the lineages whose family it belongs to, and what they take is what the source itself
 * answers. A look is in Temporal's history before a delivery is answered with 202.
 */
export function createReceiver(options: ReceiverOptions): Hono {
  const { nowMs, say, rates = { told: TOLD, strangers: STRANGERS } } = options;
  const answers: Record<string, number> = {};
  const app = new Hono();
  app.get('/healthz', (context) => context.json({ ok: true, answers }));
  app.use('/hub', async (context, next) => {
    await next();
    answers[context.res.status] = (answers[context.res.status] ?? 0) + 1;
  });
  app.post(
    '/hub',
    requireSecret(options.secret, limiter(rates.strangers, nowMs), say),
    requireTurn(limiter(rates.told, nowMs)),
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: (context) =>
        refuse(context, 413, 'BODY_TOO_LARGE', `The body has more than ${String(MAX_BODY_BYTES)} bytes.`),
    }),
    receive(options, new RecentKeys(REMEMBERED_CHANGES)),
  );
  app.all('/hub', (context) => {
    context.header('Allow', 'POST');
    return refuse(
      context,
      405,
      'METHOD_NOT_ALLOWED',
      `${context.req.method} is not answered here; deliveries are POST.`,
    );
  });
  app.onError((error, context) => {
    say(`A delivery could not be taken: ${messageOf(error)}`);
    return refuse(context, 500, 'UNEXPECTED', 'Something went wrong here; its log says what.');
  });
  app.notFound((context) => refuse(context, 404, 'NOT_FOUND', 'Nothing is here; deliveries go to /hub.'));
  return app;
}

type Refusal = 400 | 401 | 404 | 405 | 413 | 429 | 500 | 503;

function refuse(context: Context, status: Refusal, code: string, message: string): Response {
  return context.json({ error: { code, message } }, status);
}

function tooMany(context: Context, retryAfterSeconds: number): Response {
  context.header('Retry-After', String(retryAfterSeconds));
  return refuse(context, 429, 'TOO_MANY', `Too many at once; try again in ${String(retryAfterSeconds)} s.`);
}

/** Returns how many seconds to wait, 0: go on. */
type Limiter = () => number;

function limiter(rate: Rate, nowMs: () => number): Limiter {
  let bucket = fullBucket(rate, nowMs());
  return () => {
    const taken = takeToken(bucket, rate, nowMs());
    bucket = taken.bucket;
    return taken.passes ? 0 : taken.retryAfterSeconds;
  };
}

/** Before anything of the body is read. Digests are compared, so that neither time nor length tells anything. */
function requireSecret(secret: string, strangers: Limiter, say: (line: string) => void): MiddlewareHandler {
  const expected = sha256(secret);
  return async (context, next) => {
    const found = context.req.header('x-webhook-secret');
    if (found !== undefined && timingSafeEqual(sha256(found), expected)) return next();
    const waitSeconds = strangers();
    if (waitSeconds > 0) return tooMany(context, waitSeconds);
    const what = found === undefined ? 'no X-Webhook-Secret' : 'another X-Webhook-Secret than this receiver';
    say(`Refused a delivery with ${what}.`);
    return refuse(context, 401, 'SECRET_WRONG', `The delivery has ${what}; give the Hub's webhook the same secret.`);
  };
}

function requireTurn(told: Limiter): MiddlewareHandler {
  return async (context, next) => {
    const waitSeconds = told();
    return waitSeconds > 0 ? tooMany(context, waitSeconds) : next();
  };
}

function receive({ watches, say }: ReceiverOptions, seen: RecentKeys): (context: Context) => Promise<Response> {
  return async (context) => {
    const parsed = parseHubDelivery(await context.req.text());
    if (parsed.kind === 'problem') return refuse(context, 400, 'BODY_INVALID', `Of the body ${parsed.problem}.`);
    const { name } = parsed.claim.repo;
    const verdict = judgeWebhook(parsed.claim);
    if (verdict.kind === 'ignore') return ignored(context, verdict.why);
    if (seen.hasAll(verdict.changes)) return ignored(context, 'this was delivered before');
    try {
      const source = await watches();
      const concerned = (await source.list()).filter(({ family }) => concerns(family, name));
      const key = sha256(verdict.changes.join('\n')).toString('hex').slice(0, 32);
      await Promise.all(concerned.map((watch) => source.lookSoon(watch, key)));
      seen.add(verdict.changes); // not before: what failed is to be delivered again
      return looking(context, say, name, concerned);
    } catch (error) {
      if (!isCodedError(error) || !error.code.startsWith('TEMPORAL_')) throw error;
      say(`Could not look because of ${name}: ${error.message} [${error.code}]`);
      context.header('Retry-After', String(TEMPORAL_RETRY_SECONDS));
      return refuse(context, 503, 'TEMPORAL_AWAY', 'Temporal does not answer; deliver it again later.');
    }
  };
}

function looking(context: Context, say: (line: string) => void, repo: string, concerned: readonly Watch[]): Response {
  if (concerned.length === 0) return ignored(context, 'no lineage takes releases from this repo');
  say(`${repo} has something new, says its Hub: looking for ${concerned.map(({ lineage }) => lineage).join(', ')}`);
  return context.json({ lineages: concerned.length }, 202);
}

function ignored(context: Context, why: string): Response {
  return context.json({ ignored: why }, 200);
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
