import { timingSafeEqual } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { z } from 'zod';
import { serveApp, type ServedApp } from '../adapters/http/serve-app.ts';
import { isCodedError, messageOf, RegraftError } from '../contracts/error.ts';

/** As much as a page of a history has: the server sends 4 MB at a time at most, in base64. */
const MOST_BYTES = 8_388_608;
const LOOPBACK = '127.0.0.1';

export interface CodecServerOptions {
  readonly codec: PayloadCodec;
  readonly host: string;
  readonly port: number;
  /** Web pages that may ask, as browsers name them: http://127.0.0.1:8233. */
  readonly origins: readonly string[];
  /** What every request has to carry as `Authorization: Bearer …`; null: nothing, on loopback only. */
  readonly token: string | null;
}

/** Payloads as Temporal's page and its `temporal` command send them: protobuf's JSON. */
const payloadsSchema = z.strictObject({
  payloads: z.array(z.object({ metadata: z.record(z.string(), z.base64()).optional(), data: z.base64().optional() })),
});

/**
 * Decrypts payloads for Temporal's page and its `temporal` command: POST /decode and /encode, as Temporal defines them. Who
 * reaches it reads every history, so it listens on loopback, where only a browser page of another origin could ask
 * unseen: those are told no, and so is any name but loopback's own. Elsewhere every request needs the token.
 *
 * @throws RegraftError CODEC_SERVER_OPEN without a token on another address than loopback; CODEC_PORT_UNAVAILABLE
 */
export async function startCodecServer(options: CodecServerOptions): Promise<ServedApp> {
  const { codec, host, port, token } = options;
  if (token === null && host !== LOOPBACK) {
    const why = `The codec server would let everybody who reaches ${host} read every history; expected a token there: name its file with --token-file, or listen on ${LOOPBACK}.`;
    throw new RegraftError('CODEC_SERVER_OPEN', why);
  }
  const app = new Hono();
  app.onError((error, context) => context.json({ message: messageOf(error) }, isCodedError(error) ? 422 : 400));
  app.use(allowOrigins(options), bodyLimit({ maxSize: MOST_BYTES }));
  app.use(async (context, next) => (isLetIn(context, options) ? next() : refuse(context)));
  app.post('/encode', async (context) => answer(context, (payloads) => codec.encode(payloads)));
  app.post('/decode', async (context) => answer(context, (payloads) => codec.decode(payloads)));
  const todo = 'name another with --port, 0 takes a free one';
  return serveApp(app, { host, port, unavailable: { code: 'CODEC_PORT_UNAVAILABLE', what: 'the codec server', todo } });
}

/** The headers that Temporal's page sends. */
function allowOrigins({ origins }: CodecServerOptions): ReturnType<typeof cors> {
  const allowHeaders = ['Content-Type', 'X-Namespace', 'Authorization'];
  return cors({ origin: [...origins], allowMethods: ['POST'], allowHeaders, credentials: true });
}

function isLetIn(context: Context, { host, origins, token }: CodecServerOptions): boolean {
  const origin = context.req.header('Origin');
  if (origin !== undefined && !origins.includes(origin)) return false;
  if (token !== null) return isSame(context.req.header('Authorization') ?? '', `Bearer ${token}`);
  // A page may make its own name mean this address (DNS rebinding); then the name is not ours.
  const { hostname } = new URL(context.req.url);
  return host === LOOPBACK && (hostname === LOOPBACK || hostname === 'localhost');
}

/** In a time that does not tell how much of it is right. */
function isSame(found: string, expected: string): boolean {
  const [left, right] = [Buffer.from(found), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function refuse(context: Context): Response {
  const message =
    'The codec server does not let this request in: it needs an origin that --origin names, and the token.';
  return context.json({ message }, 401);
}

async function answer(context: Context, work: (payloads: Payload[]) => Promise<Payload[]>): Promise<Response> {
  const { payloads } = payloadsSchema.parse(await context.req.json());
  const done = await work(
    payloads.map(({ metadata = {}, data = '' }) => ({
      metadata: fromBase64(metadata),
      data: Buffer.from(data, 'base64'),
    })),
  );
  return context.json({ payloads: done.map(toJson) });
}

function fromBase64(values: Readonly<Record<string, string>>): Record<string, Uint8Array> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Buffer.from(value, 'base64')]));
}

function toJson({ metadata, data }: Payload): unknown {
  const named = Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]);
  return { metadata: Object.fromEntries(named) as unknown, data: Buffer.from(data ?? []).toString('base64') };
}
