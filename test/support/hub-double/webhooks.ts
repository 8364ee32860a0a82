import { createHash } from 'node:crypto';
import type { HubRepo, HubState } from './hub-state.ts';
import type { UpdatedRef, WebhookDelivery, WebhookPayload, WebhookSpec } from './types.ts';

/** How long a receiver may take. */
const ANSWER_WITHIN_MS = 10_000;

/** Tells every change of a watched repo, once and without waiting for the answer, as the Hub does. */
export class Webhooks {
  readonly deliveries: WebhookDelivery[] = [];
  readonly #underWay = new Set<Promise<unknown>>();

  watch(state: HubState, url: () => string): void {
    state.onChange((repo, action, updatedRefs) => {
      for (const webhook of state.webhooks) {
        const owner = repo.id.split('/')[0] ?? '';
        if (!webhook.watched.includes(repo.id) && !webhook.watched.includes(owner)) continue;
        void this.deliver(webhook, payloadOf(webhook, repo, action, updatedRefs, url()));
      }
    });
  }

  deliver(webhook: WebhookSpec, payload: WebhookPayload): Promise<number | null> {
    const sending = this.#send(webhook, payload);
    this.#underWay.add(sending);
    return sending.finally(() => this.#underWay.delete(sending));
  }

  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  async #send(webhook: WebhookSpec, payload: WebhookPayload): Promise<number | null> {
    const status = await answerOf(webhook, payload);
    this.deliveries.push({ url: webhook.url, payload, status });
    return status;
  }
}

async function answerOf(webhook: WebhookSpec, payload: WebhookPayload): Promise<number | null> {
  try {
    const response = await fetch(webhook.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-webhook-secret': webhook.secret },
      body: JSON.stringify(payload),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return null; // nobody there: what a test wants to see happen
  }
}

function payloadOf(
  webhook: WebhookSpec,
  repo: HubRepo,
  action: WebhookPayload['event']['action'],
  updatedRefs: readonly UpdatedRef[],
  url: string,
): WebhookPayload {
  const headSha = repo.branches['main'];
  return {
    event: { action, scope: updatedRefs.length === 0 ? 'repo' : 'repo.content' },
    repo: {
      type: 'model',
      name: repo.id,
      id: idOf(repo.id),
      private: repo.private,
      ...(headSha !== undefined && { headSha }),
      url: { web: `${url}/${repo.id}`, api: `${url}/api/models/${repo.id}` },
      owner: { id: idOf(repo.id.split('/')[0] ?? '') },
    },
    ...(updatedRefs.length > 0 && { updatedRefs }),
    webhook: { id: idOf(webhook.url), version: 3 },
  };
}

/** Ids of the Hub are 24 hexadecimal digits. */
export function idOf(text: string): string {
  return createHash('sha1').update(text).digest('hex').slice(0, 24);
}
