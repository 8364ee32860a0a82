/**
 * A Hub on loopback for tests: what `@huggingface/hub` and Python's `huggingface_hub` ask, answered from one folder. Models
 * only, no Xet. Everything it knows lies in that folder, so it may be stopped, or killed, and started again.
 *
 * ```ts
 * const hub = await startHubDouble({ folder });
 * await hub.createRepo('acme/base');
 * const sha = await hub.commit('acme/base', { 'config.json': '{}' });   // an upload
 * await hub.createBranch('acme/base', 'step-100');                      // a revision, from main
 * await hub.tag('acme/base', 'v1');
 * hub.addWebhook({ url: 'http://127.0.0.1:8790/hub', secret: 's', watched: ['acme'] });
 * await hub.settled();                                                  // all webhooks are delivered by now
 * await hub.stop();
 * ```
 */
export interface HubDouble {
  /** What goes into HF_ENDPOINT. */
  readonly url: string;
  /** What goes into HF_TOKEN; needed to write, and to read what is private or gated. */
  readonly token: string;
  /** Every request in order, as `GET /api/models/acme/base/refs 200`. */
  readonly requests: readonly string[];
  /** Every webhook that was sent, with the status that its receiver answered; null: no answer. */
  readonly deliveries: readonly WebhookDelivery[];
  createRepo(repo: string, options?: RepoOptions): Promise<void>;
  deleteRepo(repo: string): Promise<void>;
  /** Adds, replaces and (null) deletes files on a branch, which is made from main when it is not there; returns the sha. */
  commit(
    repo: string,
    files: HubFiles,
    options?: { readonly branch?: string; readonly summary?: string },
  ): Promise<string>;
  /** Commits every file of a folder. */
  commitFolder(repo: string, folder: string, options?: { readonly branch?: string }): Promise<string>;
  createBranch(repo: string, branch: string, from?: string): Promise<string>;
  deleteBranch(repo: string, branch: string): Promise<void>;
  /** Points a branch elsewhere, as a force push does. */
  moveBranch(repo: string, branch: string, to: string): Promise<void>;
  tag(repo: string, tag: string, revision?: string): Promise<string>;
  deleteTag(repo: string, tag: string): Promise<void>;
  /** Commit that a branch, tag or sha stands for. */
  resolve(repo: string, revision: string): string;
  /** From now on changes to the watched repos are told to that address, as the Hub does. */
  addWebhook(webhook: WebhookSpec): void;
  /** Sends a webhook again, or one that nothing stands behind; resolves with the status answered. */
  deliver(webhook: WebhookSpec, payload: WebhookPayload): Promise<number | null>;
  /** Resolves when every webhook under way was answered or given up. */
  settled(): Promise<void>;
  /** Makes the next requests whose `METHOD /path` contains a text fail. */
  fail(fault: HubFault): void;
  /** Changes stored bytes so that their digest is wrong, as a broken disk or proxy would. */
  corrupt(repo: string, revision: string, file: string): Promise<void>;
  stop(): Promise<void>;
}

export interface HubDoubleOptions {
  /** Everything is kept here; may hold what an earlier one left. */
  readonly folder: string;
  /** 0, or left out: a free one. */
  readonly port?: number;
  readonly token?: string;
  /** Uploads larger than this go up in parts of this size. */
  readonly multipartOver?: number;
  /** Entries on a page of a listing. */
  readonly pageSize?: number;
}

export interface RepoOptions {
  readonly private?: boolean;
  /** Needs a token that was granted access; the double's own is. */
  readonly gated?: boolean;
}

/** Path within the repo to content; null deletes. */
export type HubFiles = Readonly<Record<string, string | Uint8Array | null>>;

export interface WebhookSpec {
  readonly url: string;
  /** Sent as it is in `X-Webhook-Secret`. */
  readonly secret: string;
  /** Owners (`acme`) or repos (`acme/base`). */
  readonly watched: readonly string[];
}

export interface UpdatedRef {
  /** `refs/heads/main`, `refs/tags/v1`. */
  readonly ref: string;
  /** null: the ref is new. */
  readonly oldSha: string | null;
  /** null: the ref was deleted. */
  readonly newSha: string | null;
}

/** The body of a webhook, in the Hub's format (version 3). */
export interface WebhookPayload {
  readonly event: { readonly action: 'create' | 'update' | 'delete'; readonly scope: 'repo' | 'repo.content' };
  readonly repo: {
    readonly type: 'model' | 'dataset' | 'space';
    readonly name: string;
    readonly id: string;
    readonly private: boolean;
    readonly headSha?: string;
    readonly url: { readonly web: string; readonly api: string };
    readonly owner: { readonly id: string };
  };
  readonly updatedRefs?: readonly UpdatedRef[];
  readonly webhook: { readonly id: string; readonly version: 3 };
}

export interface WebhookDelivery {
  readonly url: string;
  readonly payload: WebhookPayload;
  readonly status: number | null;
}

export interface HubFault {
  /** Part of `METHOD /path?query`. */
  readonly matching: string;
  readonly times: number;
  /** What is answered; 0 breaks the connection in the middle of the answer. */
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}
