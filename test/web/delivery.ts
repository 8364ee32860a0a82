export const SHA = '0123456789abcdef0123456789abcdef01234567';
export const SECRET = 'a-secret-of-some-length';

/** A delivery as the Hub sends it when a branch was pushed to. */
export const DELIVERY = {
  event: { action: 'update', scope: 'repo.content' },
  repo: {
    type: 'model',
    name: 'acme/base',
    id: '66f0',
    private: false,
    headSha: SHA,
    url: { web: 'https://hub.example/acme/base', api: 'https://hub.example/api/models/acme/base' },
    owner: { id: '66ee' },
  },
  updatedRefs: [{ ref: 'refs/heads/main', oldSha: null, newSha: SHA }],
  webhook: { id: '66aa', version: 3 },
} as const;
