import { createHash } from 'node:crypto';
import { Hono, type Context } from 'hono';
import { isLfsFile, type HubCommit, type HubFile, type HubRepo, type HubState } from './hub-state.ts';
import { idOf } from './webhooks.ts';

/** Reading what a repo is and has: `/api/models…`, paged by `Link` as the Hub does. */
export function modelRoutes(state: HubState, url: () => string, pageSize: number): Hono {
  const app = new Hono();
  const repoOf = (c: Context): HubRepo => state.repo(`${c.req.param('owner') ?? ''}/${c.req.param('name') ?? ''}`);
  const commitOf = (c: Context): HubCommit => state.commitOf(repoOf(c), c.req.param('revision') ?? 'main');

  app.get('/api/whoami-v2', (c) =>
    c.json({ type: 'user', id: idOf('me'), name: 'me', orgs: [], auth: { accessToken: { role: 'write' } } }),
  );
  app.get('/api/models', (c) => {
    const author = c.req.query('author');
    const repos = state.repos.filter(({ id }) => author === undefined || id.startsWith(`${author}/`));
    return paged(
      c,
      repos.map((repo) => modelOf(repo, state.commitOf(repo, 'main'))),
    );
  });
  app.get('/api/models/:owner/:name', (c) => c.json(modelOf(repoOf(c), commitOf(c))));
  app.get('/api/models/:owner/:name/revision/:revision', (c) => c.json(modelOf(repoOf(c), commitOf(c))));
  app.get('/api/models/:owner/:name/refs', (c) => {
    const refs = (kind: string, all: Readonly<Record<string, string>>): readonly object[] =>
      Object.entries(all).map(([name, targetCommit]) => ({ name, ref: `refs/${kind}/${name}`, targetCommit }));
    const { branches, tags } = repoOf(c);
    return c.json({ branches: refs('heads', branches), tags: refs('tags', tags), converts: [], pullRequests: [] });
  });
  app.get('/api/models/:owner/:name/commits/:revision', (c) => {
    const commits: object[] = [];
    for (let at: HubCommit | undefined = commitOf(c); at !== undefined; at = repoOf(c).commits[at.parent ?? '']) {
      commits.push({ id: at.oid, title: at.title, message: at.message, authors: [{ user: 'me' }], date: at.date });
    }
    c.header('x-total-count', String(commits.length));
    return paged(c, commits);
  });
  app.get('/api/models/:owner/:name/tree/:revision/:folder{.*}?', (c) => {
    const isRecursive = ['true', '1'].includes((c.req.query('recursive') ?? '').toLowerCase());
    return paged(c, treeOf(commitOf(c), c.req.param('folder') ?? '', isRecursive));
  });
  app.post('/api/models/:owner/:name/paths-info/:revision', async (c) => {
    const asked = await pathsAsked(c);
    const { files } = commitOf(c);
    return c.json(asked.flatMap((file) => (files[file] === undefined ? [] : [entryOf(file, files[file])])));
  });
  app.post('/api/models/:owner/:name/preupload/:revision', async (c) => {
    const { files } = await c.req.json<{
      readonly files: readonly { readonly path: string; readonly size: number }[];
    }>();
    const commit = commitOf(c);
    return c.json({
      commitOid: commit.oid,
      files: files.map(({ path, size }) => ({
        path,
        uploadMode: isLfsFile(path, size) ? 'lfs' : 'regular',
        shouldIgnore: false,
        oid: commit.files[path]?.oid ?? null,
      })),
    });
  });
  return app;

  function paged(c: Context, all: readonly unknown[]): Response {
    const start = Number(c.req.query('cursor') ?? 0);
    const next = new URL(c.req.url);
    next.searchParams.set('cursor', String(start + pageSize));
    const address = `${url()}${next.pathname}${next.search}`;
    if (start + pageSize < all.length) c.header('link', `<${address}>; rel="next"`);
    return c.json(all.slice(start, start + pageSize));
  }
}

async function pathsAsked(c: Context): Promise<readonly string[]> {
  if (c.req.header('content-type')?.includes('json') === true)
    return (await c.req.json<{ readonly paths: readonly string[] }>()).paths;
  return new URLSearchParams(await c.req.text()).getAll('paths');
}

function modelOf(repo: HubRepo, commit: HubCommit): object {
  return {
    _id: idOf(repo.id),
    id: repo.id,
    modelId: repo.id,
    author: repo.id.split('/')[0],
    sha: commit.oid,
    lastModified: commit.date,
    createdAt: repo.createdAt,
    private: repo.private,
    gated: repo.gated ? 'manual' : false,
    disabled: false,
    downloads: 0,
    likes: 0,
    tags: [],
    siblings: Object.entries(commit.files).map(([rfilename, file]) => ({
      rfilename,
      size: file.size,
      blobId: file.oid,
      ...(file.isLfs && { lfs: { sha256: file.sha256, size: file.size, pointerSize: 130 } }),
    })),
  };
}

function entryOf(file: string, { oid, size, isLfs, sha256 }: HubFile): object {
  return { type: 'file', path: file, oid, size, ...(isLfs && { lfs: { oid: sha256, size, pointerSize: 130 } }) };
}

function treeOf(commit: HubCommit, folder: string, isRecursive: boolean): readonly object[] {
  const prefix = folder === '' ? '' : `${folder.replace(/\/$/, '')}/`;
  const folders = new Map<string, object>();
  const files = Object.entries(commit.files).flatMap(([file, entry]) => {
    if (!file.startsWith(prefix)) return [];
    const parts = file.slice(prefix.length).split('/');
    for (const [index] of parts.slice(0, -1).entries()) {
      if (index > 0 && !isRecursive) break;
      const path = prefix + parts.slice(0, index + 1).join('/');
      folders.set(path, { type: 'directory', oid: createHash('sha1').update(path).digest('hex'), size: 0, path });
    }
    return isRecursive || parts.length === 1 ? [entryOf(file, entry)] : [];
  });
  return [...folders.values(), ...files];
}
