import { Hono, type Context } from 'hono';
import { HubProblem, type HubFile, type HubRepo, type HubState, type RefKind } from './hub-state.ts';

interface CreateBody {
  readonly name: string;
  readonly organization?: string;
  readonly private?: boolean;
  readonly visibility?: string;
}

interface CommitLine {
  readonly key: string;
  readonly value: {
    readonly summary?: string;
    readonly description?: string;
    readonly parentCommit?: string;
    readonly path?: string;
    readonly content?: string;
    readonly encoding?: string;
    readonly oid?: string;
  };
}

/** Making repos, refs and commits. */
export function writeRoutes(state: HubState, url: () => string): Hono {
  const app = new Hono();
  const repoOf = (c: Context): HubRepo => state.repo(`${c.req.param('owner') ?? ''}/${c.req.param('name') ?? ''}`);

  app.post('/api/repos/create', async (c) => {
    const body = await c.req.json<CreateBody>();
    const id = body.name.includes('/') ? body.name : `${body.organization ?? 'me'}/${body.name}`;
    state.createRepo(id, { private: body.private === true || body.visibility === 'private' });
    return c.json({ url: `${url()}/${id}`, name: id, id });
  });
  app.delete('/api/repos/delete', async (c) => {
    const body = await c.req.json<CreateBody>();
    state.deleteRepo(body.name.includes('/') ? body.name : `${body.organization ?? 'me'}/${body.name}`);
    return c.json({});
  });
  app.post('/api/models/:owner/:name/branch/:ref', async (c) => {
    const body = await jsonOrNothing<{ readonly startingPoint?: string; readonly overwrite?: boolean }>(c);
    makeRef(repoOf(c), 'branches', c.req.param('ref'), body.startingPoint ?? 'main', body.overwrite);
    return c.json({});
  });
  app.post('/api/models/:owner/:name/tag/:revision', async (c) => {
    const { tag } = await c.req.json<{ readonly tag: string }>();
    makeRef(repoOf(c), 'tags', tag, c.req.param('revision'));
    return c.json({});
  });
  app.delete('/api/models/:owner/:name/:kind{branch|tag}/:ref', (c) => {
    state.setRef(repoOf(c), c.req.param('kind') === 'tag' ? 'tags' : 'branches', c.req.param('ref'), null);
    return c.json({});
  });
  app.post('/api/models/:owner/:name/commit/:branch', async (c) => {
    const repo = repoOf(c);
    const commitOid = takeCommit(repo, c.req.param('branch'), await c.req.text());
    return c.json({ success: true, commitOid, commitUrl: `${url()}/${repo.id}/commit/${commitOid}`, hookOutput: '' });
  });
  return app;

  function makeRef(repo: HubRepo, kind: RefKind, name: string, from: string, mayReplace = false): void {
    if (repo[kind][name] !== undefined && !mayReplace)
      throw new HubProblem(409, 'RefExists', 'Reference already exists');
    state.setRef(repo, kind, name, state.commitOf(repo, from).oid);
  }

  function takeCommit(repo: HubRepo, branch: string, text: string): string {
    const lines = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as CommitLine]));
    const { summary = '', description = '', parentCommit } = lines[0]?.value ?? {};
    if (parentCommit !== undefined && parentCommit !== repo.branches[branch]) {
      throw new HubProblem(412, 'StaleParent', 'A commit has happened since. Please refresh and try again.');
    }
    return state.commit(repo, branch, summary, description, (files) => {
      for (const line of lines) takeLine(line, files);
    });
  }

  function takeLine({ key, value }: CommitLine, files: Record<string, HubFile>): void {
    const { path = '', content = '', oid = '' } = value;
    if (key === 'file')
      files[path] = state.keepFile(path, Buffer.from(content, value.encoding === 'base64' ? 'base64' : 'utf8'));
    else if (key === 'lfsFile') {
      if (!state.hasContent(oid)) throw new HubProblem(400, 'LfsMissing', `LFS object ${oid} not uploaded`);
      files[path] = state.lfsFile(oid);
    } else if (key === 'deletedFile') Reflect.deleteProperty(files, path);
    else if (key === 'deletedFolder') {
      const inside = Object.keys(files).filter((file) => file.startsWith(path.replace(/\/?$/, '/')));
      for (const file of inside) Reflect.deleteProperty(files, file);
    }
  }
}

async function jsonOrNothing<Body extends object>(c: Context): Promise<Partial<Body>> {
  const text = await c.req.text();

  return text === '' ? {} : (JSON.parse(text) as Body);
}
