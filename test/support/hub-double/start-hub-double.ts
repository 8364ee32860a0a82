import { readdir, readFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import path from 'node:path';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono, type Context, type Next } from 'hono';
import { contentRoutes, fileRoutes } from './file-routes.ts';
import { HubProblem, HubState } from './hub-state.ts';
import { lfsRoutes } from './lfs-routes.ts';
import { modelRoutes } from './model-routes.ts';
import type { HubDouble, HubDoubleOptions, HubFault, HubFiles } from './types.ts';
import { Webhooks } from './webhooks.ts';
import { writeRoutes } from './write-routes.ts';

/** See {@link HubDouble}. */
export async function startHubDouble(options: HubDoubleOptions): Promise<HubDouble> {
  const { folder, port = 0, token = 'hf_test', multipartOver = Infinity, pageSize = 1000 } = options;
  const state = new HubState(folder);
  const webhooks = new Webhooks();
  const requests: string[] = [];
  const faults: HubFault[] = [];
  const app = new Hono();
  const [url, contentUrl] = [(): string => addressOf(api), (): string => addressOf(content)];
  app.use(noteRequests(requests), failAsTold(faults), guard(state, token));
  for (const routes of [
    lfsRoutes(state, url, multipartOver),
    writeRoutes(state, url),
    modelRoutes(state, url, pageSize),
    fileRoutes(state, contentUrl),
  ])
    app.route('/', routes);
  app.onError(answerProblem);
  const elsewhere = new Hono();
  elsewhere.use(noteRequests(requests), failAsTold(faults));
  elsewhere.route('/', contentRoutes(state));
  const [api, content] = await Promise.all([listen(app, port), listen(elsewhere, 0)]);
  webhooks.watch(state, url);
  return {
    url: url(),
    token,
    requests,
    deliveries: webhooks.deliveries,
    ...byHand(state),
    addWebhook: (webhook) => {
      state.addWebhook(webhook);
    },
    deliver: (webhook, payload) => webhooks.deliver(webhook, payload),
    settled: () => webhooks.settled(),
    fail: (fault) => void faults.push(fault),
    async stop() {
      await Promise.all([api, content].map(close));
      await webhooks.settled();
    },
  };
}

/** Changing repos without a client. */
function byHand(
  state: HubState,
): Omit<
  HubDouble,
  'url' | 'token' | 'requests' | 'deliveries' | 'addWebhook' | 'deliver' | 'settled' | 'fail' | 'stop'
> {
  const commit = async (repo: string, files: HubFiles, { branch = 'main', summary = 'by hand' } = {}) => {
    const target = state.repo(repo);
    if (target.branches[branch] === undefined)
      state.setRef(target, 'branches', branch, state.commitOf(target, 'main').oid);
    return state.commit(target, branch, summary, '', (tree) => {
      for (const [file, bytes] of Object.entries(files)) {
        if (bytes === null) Reflect.deleteProperty(tree, file);
        else tree[file] = state.keepFile(file, Buffer.from(bytes));
      }
    });
  };
  const point = (kind: 'branches' | 'tags') => async (repo: string, name: string, to: string) => {
    const { oid } = state.commitOf(state.repo(repo), to);
    state.setRef(state.repo(repo), kind, name, oid);
    return oid;
  };
  return {
    createRepo: async (repo, options) => void state.createRepo(repo, options),
    deleteRepo: async (repo) => {
      state.deleteRepo(repo);
    },
    commit,
    commitFolder: async (repo, folder, { branch = 'main' } = {}) => commit(repo, await filesIn(folder), { branch }),
    createBranch: (repo, branch, from = 'main') => point('branches')(repo, branch, from),
    moveBranch: async (repo, branch, to) => {
      await point('branches')(repo, branch, to);
    },
    tag: (repo, tag, revision = 'main') => point('tags')(repo, tag, revision),
    deleteBranch: async (repo, branch) => {
      state.setRef(state.repo(repo), 'branches', branch, null);
    },
    deleteTag: async (repo, tag) => {
      state.setRef(state.repo(repo), 'tags', tag, null);
    },
    resolve: (repo, revision) => state.commitOf(state.repo(repo), revision).oid,
    corrupt: async (repo, revision, file) => {
      const { sha256 = '' } = state.commitOf(state.repo(repo), revision).files[file] ?? {};
      const bytes = state.content(sha256);
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
      state.putContent(sha256, bytes);
    },
  };
}

async function filesIn(folder: string): Promise<HubFiles> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const contents = files.map(async (file) => [path.relative(folder, file), await readFile(file)] as const);
  return Object.fromEntries(await Promise.all(contents));
}

function noteRequests(requests: string[]) {
  return async (c: Context, next: Next): Promise<void> => {
    await next();
    const { pathname, search } = new URL(c.req.url);
    requests.push(`${c.req.method} ${decodeURIComponent(pathname)}${search} ${String(c.res.status)}`);
  };
}

function failAsTold(faults: HubFault[]) {
  return async (c: Context<{ Bindings: HttpBindings }>, next: Next): Promise<Response | undefined> => {
    const { pathname, search } = new URL(c.req.url);
    const asked = `${c.req.method} ${decodeURIComponent(pathname)}${search}`;
    const index = faults.findIndex(({ matching }) => asked.includes(matching));
    const fault = faults[index];
    if (fault === undefined) {
      await next();
      return undefined;
    }
    if (fault.times <= 1) faults.splice(index, 1);
    else faults[index] = { ...fault, times: fault.times - 1 };
    if (fault.status !== 0)
      return new Response('{"error":"as told"}', { status: fault.status, headers: fault.headers ?? {} });
    await next();
    await sendHalf(c.res, c.env.outgoing);
    c.res = undefined; // what is returned after `next` does not count
    c.res = RESPONSE_ALREADY_SENT;
    return undefined;
  };
}

/** Half of the answer, and then a broken connection. */
async function sendHalf(answer: Response, outgoing: HttpBindings['outgoing']): Promise<void> {
  const bytes = new Uint8Array(await answer.arrayBuffer());
  outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
  await new Promise((resolve) => outgoing.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), resolve));
  outgoing.destroy();
}

/** Who may what: writing needs the token, and so does reading what is private or gated. */
function guard(state: HubState, token: string) {
  return async (c: Context, next: Next): Promise<void> => {
    const { pathname } = new URL(c.req.url);
    if (c.req.header('authorization') !== `Bearer ${token}`) refuseStranger(state, c.req.method, pathname);
    await next();
  };
}

function refuseStranger(state: HubState, method: string, pathname: string): void {
  const isRead = ['GET', 'HEAD'].includes(method) || pathname.includes('/paths-info/');
  const isUpload = pathname.startsWith('/lfs/'); // the address itself was the permission
  if (!isRead && !isUpload) throw new HubProblem(401, 'Unauthorized', 'Invalid username or password.');
  const id = /^\/(?:api\/models\/)?([^/]+\/[^/]+)/.exec(pathname)?.[1];
  const repo = state.repos.find((known) => known.id === id);
  if (repo?.private === true) throw new HubProblem(401, 'RepoNotFound', 'Repository not found');
  if (repo?.gated === true && pathname.includes('/resolve/'))
    throw new HubProblem(401, 'GatedRepo', `Access to model ${repo.id} is restricted.`);
}

function answerProblem(error: Error, c: Context): Response {
  const { status, code } = error instanceof HubProblem ? error : { status: 500, code: 'InternalError' };
  return new Response(c.req.method === 'HEAD' ? null : JSON.stringify({ error: error.message }), {
    status,
    headers: { 'content-type': 'application/json', 'x-error-code': code, 'x-error-message': error.message },
  });
}

async function listen(app: Hono, port: number): Promise<Server> {
  const server = createAdaptorServer({ fetch: app.fetch });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });

  return server as Server;
}

function addressOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the Hub double does not listen');
  return `http://127.0.0.1:${String(address.port)}`;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}
