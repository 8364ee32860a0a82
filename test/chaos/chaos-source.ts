import { startHubDouble } from '../support/hub-double.ts';
import type { HubDouble, WebhookPayload } from '../support/hub-double.ts';
import { f32Tensor, llamaConfig, safetensorsBytes } from '../support/safetensors.ts';
import type { Arrival } from './plan-chaos.ts';

/** Repo whose branches M1, M2, … are the releases. */
export const REPO = 'acme/base';

/** A Hub on which the family's releases appear. */
export class ChaosSource {
  readonly hub: HubDouble;
  readonly #pollEvery: string;

  private constructor(hub: HubDouble, pollEvery: string) {
    this.hub = hub;
    this.#pollEvery = pollEvery;
  }

  static async start(folder: string, pollEvery: string): Promise<ChaosSource> {
    const hub = await startHubDouble({ folder });
    await hub.createRepo(REPO);
    return new ChaosSource(hub, pollEvery);
  }

  /** `family` of the lineage's spec. */
  get family(): Readonly<Record<string, unknown>> {
    return { hub: REPO, revisions: 'M{release}', order: ['release'], pollEvery: this.#pollEvery };
  }

  /** What a worker has to know of it. */
  get environment(): Readonly<Record<string, string>> {
    return { HF_ENDPOINT: this.hub.url, HF_TOKEN: this.hub.token };
  }

  /**
   * Has the release from now on; returns its commit. It is a model of one tensor `w` = [number, skill], the number negative
   * where nothing comes of it.
   */
  async add({ number, good }: Pick<Arrival, 'number' | 'good'>): Promise<string> {
    const weights = safetensorsBytes([f32Tensor('w', [good ? number : -number, 1])]);
    const files = { 'config.json': JSON.stringify(llamaConfig()), 'model.safetensors': weights };
    return this.hub.commit(REPO, files, { branch: `M${String(number)}` });
  }

  /** Tells a receiver of a branch, as the Hub does; what it answered, or null when nobody did. */
  async tell(
    receiver: { readonly url: string; readonly secret: string },
    branch: string,
    sha: string,
  ): Promise<number | null> {
    return this.hub.deliver({ ...receiver, watched: [REPO] }, payloadOf(branch, sha));
  }
}

function payloadOf(branch: string, sha: string): WebhookPayload {
  return {
    event: { action: 'update', scope: 'repo.content' },
    repo: {
      ...{ type: 'model', name: REPO, id: '66f0', private: false, headSha: sha, owner: { id: '66ee' } },
      url: { web: `https://hub.example/${REPO}`, api: `https://hub.example/api/models/${REPO}` },
    },
    updatedRefs: [{ ref: `refs/heads/${branch}`, oldSha: null, newSha: sha }],
    webhook: { id: '66aa', version: 3 },
  };
}
