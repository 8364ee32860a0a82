import { placeOf } from '../contracts/family.ts';
import type { FamilySpec } from '../contracts/family.schema.ts';

/** What a webhook of a Hub says, as far as anything is decided by it. It claims; it is never believed. */
export interface WebhookClaim {
  /** What happened: `create`, `update`, `delete`, `move`. */
  readonly action: string;
  /** To what: `repo`, `repo.content`, `repo.config`, `discussion`, … */
  readonly scope: string;
  readonly repo: { readonly type: string; readonly name: string };
  /** Refs that now stand for another commit; null: deleted. */
  readonly changes: readonly { readonly ref: string; readonly newSha: string | null }[];
}

/** Whether a claim is worth a look at the source. `changes` name what is new, so that a repetition is recognised. */
export type WebhookVerdict =
  { readonly kind: 'ignore'; readonly why: string } | { readonly kind: 'look'; readonly changes: readonly string[] };

/** Refs that people propose with or that the Hub makes by itself; no release is one of them. */
const SIDE_REFS = /^refs\/(pr|convert)\//;

/** A model that was made, renamed or given new content may be a release; nothing else can. */
export function judgeWebhook({ action, scope, repo, changes }: WebhookClaim): WebhookVerdict {
  if (repo.type !== 'model') return ignore(`a ${repo.type} is no base model`);
  if (scope !== 'repo' && scope !== 'repo.content') return ignore(`an event of ${scope} brings no new content`);
  if (action === 'delete') return ignore('what is gone is noticed by the next look of the Schedule');
  const fresh = changes.filter(({ ref, newSha }) => newSha !== null && !SIDE_REFS.test(ref));
  if (fresh.length === 0 && changes.length > 0) return ignore('no branch and no tag has new content');
  const name = repo.name.toLowerCase();
  if (fresh.length === 0) return { kind: 'look', changes: [`${name} ${scope} ${action}`] };
  return { kind: 'look', changes: fresh.map(({ ref, newSha }) => `${name} ${ref} ${String(newSha)}`) };
}

function ignore(why: string): WebhookVerdict {
  return { kind: 'ignore', why };
}

/** Whether a family takes its releases from a repo of the Hub. Names differ in case only by accident. */
export function concerns(family: FamilySpec, repo: string): boolean {
  const name = repo.toLowerCase();
  const isSame = (other: string): boolean => other.toLowerCase() === name;
  const place = placeOf(family);
  switch (place.kind) {
    case 'revisions':
      return isSame(place.repo);
    case 'repos':
      return place.repos.some(isSame);
    case 'organisation':
      return name.startsWith(`${place.organisation.toLowerCase()}/`);
    case 'folder':
    case 'bucket':
      return false;
  }
}
