import { createHash } from 'node:crypto';
import { Hono } from 'hono';
import { HubProblem, type HubState } from './hub-state.ts';

interface BatchBody {
  readonly objects: readonly { readonly oid: string; readonly size: number }[];
  readonly transfers?: readonly string[];
}

/** Uploads into LFS: the batch endpoint, whole objects and objects in parts. Every digest is checked. */
export function lfsRoutes(state: HubState, url: () => string, multipartOver: number): Hono {
  const parts = new Map<string, Buffer>();
  const app = new Hono();
  app.post('/:owner/:name{.+\\.git}/info/lfs/objects/batch', async (c) => {
    const { objects, transfers = [] } = await c.req.json<BatchBody>();
    return c.json({
      transfer: 'basic',
      objects: objects.map(({ oid, size }) => ({
        oid,
        size,
        ...(!state.hasContent(oid) && { actions: uploadActions(oid, size, transfers) }),
      })),
    });
  });
  app.put('/lfs/put/:sha256', async (c) => {
    keep(c.req.param('sha256'), Buffer.from(await c.req.arrayBuffer()));
    return c.json({});
  });
  app.put('/lfs/part/:sha256/:number', async (c) => {
    const bytes = Buffer.from(await c.req.arrayBuffer());
    parts.set(`${c.req.param('sha256')}/${c.req.param('number')}`, bytes);
    c.header('etag', `"${createHash('md5').update(bytes).digest('hex')}"`);
    return c.body(null, 200);
  });
  app.post('/lfs/complete/:sha256', async (c) => {
    const sha256 = c.req.param('sha256');
    const body = await c.req.json<{ readonly parts: readonly { readonly partNumber: number }[] }>();
    keep(sha256, Buffer.concat(body.parts.map(({ partNumber }) => partOf(`${sha256}/${String(partNumber)}`))));
    return c.json({});
  });
  app.post('/lfs/verify/:sha256', (c) => c.json({}, state.hasContent(c.req.param('sha256')) ? 200 : 404));
  return app;

  function uploadActions(oid: string, size: number, transfers: readonly string[]): object {
    const verify = { href: `${url()}/lfs/verify/${oid}` };
    const count = Math.ceil(size / multipartOver);
    if (count <= 1 || !transfers.includes('multipart')) {
      return { upload: { href: `${url()}/lfs/put/${oid}`, header: {} }, verify };
    }
    const addresses = Array.from({ length: count }, (_, index) => {
      return [String(index + 1).padStart(5, '0'), `${url()}/lfs/part/${oid}/${String(index + 1)}`] as const;
    });
    const header = { chunk_size: String(multipartOver), ...Object.fromEntries(addresses) };
    return { upload: { href: `${url()}/lfs/complete/${oid}`, header }, verify };
  }

  function partOf(key: string): Buffer {
    const bytes = parts.get(key);
    if (bytes === undefined) throw new HubProblem(400, 'PartMissing', `No part ${key}`);
    return bytes;
  }

  function keep(sha256: string, bytes: Buffer): void {
    if (createHash('sha256').update(bytes).digest('hex') !== sha256)
      throw new HubProblem(400, 'DigestMismatch', 'sha256 of the content is another');
    state.putContent(sha256, bytes);
  }
}
