import { Hono } from 'hono';
import { HubProblem, pointer, type HubState } from './hub-state.ts';

/** `/OWNER/NAME/resolve/REV/PATH` and `/raw/…`: content, by ranges; what is in LFS lies at another origin. */
export function fileRoutes(state: HubState, contentUrl: () => string): Hono {
  const app = new Hono();
  app.get('/:owner/:name/:kind{resolve|raw}/:revision/:file{.+}', (c) => {
    const { owner, name, kind, revision, file } = c.req.param();
    const commit = state.commitOf(state.repo(`${owner}/${name}`), revision);
    c.header('x-repo-commit', commit.oid);
    const entry = commit.files[file];
    if (entry === undefined) throw new HubProblem(404, 'EntryNotFound', 'Entry not found');
    if (!entry.isLfs) return bytesResponse(c.req.raw, state.content(entry.sha256), entry.oid, c.res.headers);
    if (kind === 'raw') return bytesResponse(c.req.raw, pointer(entry.sha256, entry.size), entry.oid, c.res.headers);
    c.header('x-linked-size', String(entry.size));
    c.header('x-linked-etag', `"${entry.sha256}"`);
    return c.redirect(`${contentUrl()}/lfs/${entry.sha256}`, 302);
  });
  return app;
}

/** The other origin: content by digest, for whoever has the address. */
export function contentRoutes(state: HubState): Hono {
  const app = new Hono();
  app.get('/lfs/:sha256{[0-9a-f]+}', (c) => {
    const { sha256 } = c.req.param();
    return bytesResponse(c.req.raw, state.content(sha256), sha256, new Headers());
  });
  return app;
}

function bytesResponse(request: Request, bytes: Buffer, tag: string, more: Headers): Response {
  const headers = new Headers(more);
  headers.set('etag', `"${tag}"`);
  headers.set('accept-ranges', 'bytes');
  headers.set('content-type', 'application/octet-stream');
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get('range') ?? '');
  const [start, last] = [Number(range?.[1] ?? 0), Math.min(Number(range?.[2] || Infinity), bytes.length - 1)];
  if (range !== null && start >= bytes.length) {
    headers.set('content-range', `bytes */${String(bytes.length)}`);
    return new Response(null, { status: 416, headers });
  }
  const part = range === null ? bytes : bytes.subarray(start, last + 1);
  if (range !== null) headers.set('content-range', `bytes ${String(start)}-${String(last)}/${String(bytes.length)}`);
  headers.set('content-length', String(part.length));
  const body = request.method === 'HEAD' ? null : new Uint8Array(part);
  return new Response(body, { status: range === null ? 200 : 206, headers });
}
