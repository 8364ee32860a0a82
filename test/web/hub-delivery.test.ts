import { describe, expect, it } from 'vitest';
import { parseHubDelivery } from '../../web/hub-delivery.schema.ts';
import { DELIVERY, SHA } from './delivery.ts';

function problemOf(body: unknown): string {
  const parsed = parseHubDelivery(typeof body === 'string' ? body : JSON.stringify(body));
  return parsed.kind === 'problem' ? parsed.problem : 'none';
}

describe('the body of a delivery', () => {
  it('is read as the Hub writes it, with keys that nobody here knows', () => {
    const body = { ...DELIVERY, movedTo: { name: 'x' }, discussion: null };
    expect(parseHubDelivery(JSON.stringify(body))).toEqual({
      kind: 'delivery',
      claim: {
        action: 'update',
        scope: 'repo.content',
        repo: { type: 'model', name: 'acme/base' },
        changes: [{ ref: 'refs/heads/main', newSha: SHA }],
      },
    });
  });

  it('without refs names its newest commit; without that, nothing', () => {
    const changesOf = (fields: object): unknown => {
      const parsed = parseHubDelivery(JSON.stringify({ ...DELIVERY, ...fields }));
      return parsed.kind === 'delivery' ? parsed.claim.changes : parsed;
    };
    const repo = { ...DELIVERY.repo, headSha: null };
    expect(changesOf({ updatedRefs: undefined })).toEqual([{ ref: 'HEAD', newSha: SHA }]);
    expect(changesOf({ updatedRefs: null, repo })).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['no JSON', '{"event": ', 'it is not JSON'],
    ['nothing', '', 'it is not JSON'],
    ['a list', [], 'it is not as the Hub writes it: the whole'],
    ['no event and no repo', {}, 'it is not as the Hub writes it: event, repo'],
    [
      'a name that is a path',
      { ...DELIVERY, repo: { type: 'model', name: '../../etc' } },
      'it is not as the Hub writes it: repo.name',
    ],
    [
      'a name over two lines',
      { ...DELIVERY, repo: { type: 'model', name: 'acme/base\nx' } },
      'it is not as the Hub writes it: repo.name',
    ],
    [
      'a long name',
      { ...DELIVERY, repo: { type: 'model', name: `acme/${'x'.repeat(300)}` } },
      'it is not as the Hub writes it: repo.name',
    ],
    [
      'a commit that is none',
      { ...DELIVERY, updatedRefs: [{ ref: 'r', newSha: 'rm -rf' }] },
      'it is not as the Hub writes it: updatedRefs.0.newSha',
    ],
    [
      'too many refs',
      { ...DELIVERY, updatedRefs: Array(1001).fill({ ref: 'r', newSha: SHA }) },
      'it is not as the Hub writes it: updatedRefs',
    ],
  ])('with %s is refused in a few words that repeat nothing of it', (_what, body, problem) => {
    expect(problemOf(body)).toBe(problem);
  });
});
