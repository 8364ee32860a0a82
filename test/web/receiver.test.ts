import { describe, expect, it } from 'vitest';
import type { Watch } from '../../client/watches.ts';
import { RegraftError } from '../../contracts/error.ts';
import { familySchema } from '../../contracts/family.schema.ts';
import { createReceiver, MAX_BODY_BYTES, type ReceiverOptions } from '../../web/receiver.ts';
import { DELIVERY, SECRET, SHA } from './delivery.ts';

function watch(lineage: string, place: object): Watch {
  return { lineage, family: familySchema.parse({ names: 'M{release}', order: ['release'], ...place }), args: [] };
}

const WATCHES: readonly Watch[] = [
  watch('tiny', { hub: ['acme/base'] }),
  watch('small', { organisation: 'acme' }),
  watch('other', { hub: ['acme/else'] }),
  watch('local', { folder: '/models' }),
];

class Bench {
  readonly looks: { readonly lineage: string; readonly key: string }[] = [];
  readonly lines: string[] = [];
  nowMs = 0;
  away: Error | null = null;
  readonly app;

  constructor(rates?: ReceiverOptions['rates']) {
    this.app = createReceiver({
      secret: SECRET,
      watches: () =>
        Promise.resolve({
          list: () => (this.away === null ? Promise.resolve(WATCHES) : Promise.reject(this.away)),
          lookSoon: ({ lineage }, key) => Promise.resolve(void this.looks.push({ lineage, key })),
        }),
      nowMs: () => this.nowMs,
      say: (line) => this.lines.push(line),
      ...(rates !== undefined && { rates }),
    });
  }

  async post(
    body: unknown,
    headers: Readonly<Record<string, string>> = { 'X-Webhook-Secret': SECRET },
  ): Promise<Response> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return this.app.request('/hub', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: text,
    });
  }

  /** Status, and the code of a refusal or what else is answered. */
  async answer(body: unknown, headers?: Readonly<Record<string, string>>): Promise<readonly unknown[]> {
    const response = await this.post(body, headers);
    const value = (await response.json()) as { readonly error?: { readonly code: string } };
    return [response.status, value.error?.code ?? value];
  }
}

function pushed(newSha: string, ref = 'refs/heads/main'): unknown {
  return { ...DELIVERY, updatedRefs: [{ ref, oldSha: SHA, newSha }] };
}

describe('a delivery', () => {
  it('makes every lineage look whose family it belongs to, and no other', async () => {
    const bench = new Bench();
    expect(await bench.answer(DELIVERY)).toEqual([202, { lineages: 2 }]);
    expect(bench.looks.map(({ lineage }) => lineage)).toEqual(['tiny', 'small']);
    expect(bench.lines).toEqual(['acme/base has something new, says its Hub: looking for tiny, small']);
  });

  it('that comes again is absorbed; another commit or another ref is not', async () => {
    const bench = new Bench();
    await bench.answer(DELIVERY);
    expect(await bench.answer(DELIVERY)).toEqual([200, { ignored: 'this was delivered before' }]);
    expect(bench.looks).toHaveLength(2);
    expect(await bench.answer(pushed('f'.repeat(40)))).toEqual([202, { lineages: 2 }]);
    expect(await bench.answer(pushed(SHA, 'refs/tags/v1'))).toEqual([202, { lineages: 2 }]);
    expect(new Set(bench.looks.map(({ key }) => key)).size).toBe(3);
  });

  it('is ignored when no lineage takes releases from its repo, or it brings none', async () => {
    const bench = new Bench();
    const elsewhere = { ...DELIVERY, repo: { ...DELIVERY.repo, name: 'somebody/else' } };
    expect(await bench.answer(elsewhere)).toEqual([200, { ignored: 'no lineage takes releases from this repo' }]);
    const dataset = { ...DELIVERY, repo: { ...DELIVERY.repo, type: 'dataset' } };
    expect(await bench.answer(dataset)).toEqual([200, { ignored: 'a dataset is no base model' }]);
    expect(bench.looks).toEqual([]);
  });

  it.each<[string, unknown, number, string]>([
    ['is not JSON', 'secret=1', 400, 'BODY_INVALID'],
    ['has no repo', { event: DELIVERY.event }, 400, 'BODY_INVALID'],
    ['is too large', `"${'x'.repeat(MAX_BODY_BYTES)}"`, 413, 'BODY_TOO_LARGE'],
  ])('that %s is refused', async (_what, body, status, code) => {
    const bench = new Bench();
    expect(await bench.answer(body)).toEqual([status, code]);
    expect(bench.looks).toEqual([]);
  });

  it('is to be delivered again while Temporal is away, and then counts', async () => {
    const bench = new Bench();
    bench.away = new RegraftError('TEMPORAL_UNREACHABLE', 'nobody is there', { retryable: true });
    const response = await bench.post(DELIVERY);
    expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '30']);
    bench.away = null;
    expect(await bench.answer(DELIVERY)).toEqual([202, { lineages: 2 }]);
  });

  it('that runs into a fault of ours is answered without its details, which are said here', async () => {
    const bench = new Bench();
    bench.away = new TypeError('no such thing');
    expect(await bench.answer(DELIVERY)).toEqual([500, 'UNEXPECTED']);
    expect(bench.lines).toEqual(['A delivery could not be taken: no such thing']);
  });
});

describe('a delivery without the secret', () => {
  it.each<[string, Readonly<Record<string, string>>]>([
    ['none', {}],
    ['an empty one', { 'X-Webhook-Secret': '' }],
    ['another', { 'X-Webhook-Secret': `${SECRET}x` }],
    ['its beginning', { 'X-Webhook-Secret': SECRET.slice(0, -1) }],
    ['in other letters', { 'X-Webhook-Secret': SECRET.toUpperCase() }],
  ])('with %s is refused before its body is looked at, and nothing happens', async (_what, headers) => {
    const bench = new Bench();
    expect(await bench.answer('no JSON', headers)).toEqual([401, 'SECRET_WRONG']);
    expect(await bench.answer(DELIVERY, headers)).toEqual([401, 'SECRET_WRONG']);
    expect(bench.looks).toEqual([]);
    expect(bench.lines.join('\n')).not.toContain(SECRET.slice(0, -1));
  });

  it('is answered and written down only so often, and takes nothing from those that have it', async () => {
    const bench = new Bench({ told: { burst: 1, perSecond: 1 }, strangers: { burst: 2, perSecond: 0.1 } });
    const statuses: unknown[] = [];
    for (let count = 0; count < 4; count += 1) statuses.push((await bench.post(DELIVERY, {})).status);
    expect(statuses).toEqual([401, 401, 429, 429]);
    expect(bench.lines).toHaveLength(2);
    expect(await bench.answer(DELIVERY)).toEqual([202, { lineages: 2 }]);
  });
});

describe('the receiver', () => {
  it('takes only so many deliveries, says when to come again, and takes them then', async () => {
    const bench = new Bench({ told: { burst: 2, perSecond: 0.25 }, strangers: { burst: 1, perSecond: 1 } });
    await bench.post(pushed('a'.repeat(40)));
    await bench.post(pushed('b'.repeat(40)));
    const refused = await bench.post(pushed('c'.repeat(40)));
    expect([refused.status, refused.headers.get('Retry-After')]).toEqual([429, '4']);
    bench.nowMs = 4_000;
    expect(await bench.answer(pushed('c'.repeat(40)))).toEqual([202, { lineages: 2 }]);
  });

  it('answers nothing but POST at /hub, and tells how it is at /healthz', async () => {
    const bench = new Bench();
    const got = await bench.app.request('/hub', { headers: { 'X-Webhook-Secret': SECRET } });
    expect([got.status, got.headers.get('Allow')]).toEqual([405, 'POST']);
    expect((await bench.app.request('/')).status).toBe(404);
    await bench.post(DELIVERY);
    await bench.post(DELIVERY, {});
    const health = await bench.app.request('/healthz');
    expect(await health.json()).toEqual({ ok: true, answers: { '202': 1, '401': 1, '405': 1 } });
  });
});
