import { describe, expect, it } from 'vitest';
import { familySchema, type FamilySpec } from '../../contracts/family.schema.ts';
import { concerns, judgeWebhook, type WebhookClaim } from '../../policy/webhook.ts';

const SHA = '0123456789abcdef0123456789abcdef01234567';

function claim(fields: Partial<WebhookClaim> = {}): WebhookClaim {
  return {
    action: 'update',
    scope: 'repo.content',
    repo: { type: 'model', name: 'acme/base' },
    changes: [{ ref: 'refs/heads/main', newSha: SHA }],
    ...fields,
  };
}

describe('what a webhook claims', () => {
  it('is worth a look when a branch or a tag of a model has another commit, and names what changed', () => {
    const changes = [
      { ref: 'refs/heads/main', newSha: SHA },
      { ref: 'refs/tags/v1', newSha: SHA },
      { ref: 'refs/pr/3', newSha: SHA },
      { ref: 'refs/heads/old', newSha: null },
    ];
    expect(judgeWebhook(claim({ changes, repo: { type: 'model', name: 'Acme/Base' } }))).toEqual({
      kind: 'look',
      changes: [`acme/base refs/heads/main ${SHA}`, `acme/base refs/tags/v1 ${SHA}`],
    });
  });

  it('is worth a look when a repo is made or renamed, which has no refs to tell of', () => {
    for (const action of ['create', 'move']) {
      expect(judgeWebhook(claim({ scope: 'repo', action, changes: [] }))).toEqual({
        kind: 'look',
        changes: [`acme/base repo ${action}`],
      });
    }
  });

  it.each<[string, Partial<WebhookClaim>, string]>([
    ['a dataset', { repo: { type: 'dataset', name: 'acme/base' } }, 'a dataset is no base model'],
    ['a space', { repo: { type: 'space', name: 'acme/base' } }, 'a space is no base model'],
    ['a discussion', { scope: 'discussion.comment' }, 'an event of discussion.comment brings no new content'],
    ['settings', { scope: 'repo.config' }, 'an event of repo.config brings no new content'],
    [
      'a repo that is gone',
      { scope: 'repo', action: 'delete' },
      'what is gone is noticed by the next look of the Schedule',
    ],
    [
      'a branch that is gone',
      { changes: [{ ref: 'refs/heads/x', newSha: null }] },
      'no branch and no tag has new content',
    ],
    ['a proposal', { changes: [{ ref: 'refs/pr/1', newSha: SHA }] }, 'no branch and no tag has new content'],
  ])('is ignored when it is about %s', (_what, fields, why) => {
    expect(judgeWebhook(claim(fields))).toEqual({ kind: 'ignore', why });
  });
});

describe('a family', () => {
  const family = (fields: object): FamilySpec =>
    familySchema.parse({ names: 'M{release}', order: ['release'], ...fields });
  const revisions = { names: undefined, revisions: 'step{step}', order: ['step'] };

  it.each<[string, object, boolean]>([
    ['the revisions of the repo', { hub: 'acme/base', ...revisions }, true],
    ['the revisions of the repo, in other letters', { hub: 'Acme/Base', ...revisions }, true],
    ['the revisions of another repo', { hub: 'acme/base-2', ...revisions }, false],
    ['several repos, one of them', { hub: ['acme/old', 'acme/base'] }, true],
    ['several repos, none of them', { hub: ['acme/old', 'acme/older'] }, false],
    ['the organisation', { organisation: 'acme' }, true],
    ['an organisation whose name begins alike', { organisation: 'ac' }, false],
    ['a folder', { folder: 'acme/base' }, false],
    ['a bucket', { bucket: 's3://acme/base' }, false],
  ])('of %s: %o concerns it: %s', (_what, fields, expected) => {
    expect(concerns(family(fields), 'acme/base')).toBe(expected);
  });
});
