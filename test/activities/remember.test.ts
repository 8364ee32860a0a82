import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { firstValue, remember } from '../../activities/remember.ts';
import { createFsArtifactStore } from '../../adapters/store/fs-artifact-store.ts';
import { digestOf } from '../support/lineage-values.ts';
import { temporaryFolder } from '../support/safetensors.ts';

const KEY = { work: 'evaluate', inputs: { model: digestOf('model'), scale: 1 } };
const schema = z.strictObject({ score: z.number() });

describe('remember', () => {
  it('does the work once, for every later asker and every other store object', async () => {
    const root = await temporaryFolder();
    let done = 0;
    const ask = (): ReturnType<typeof remember<{ score: number }>> =>
      remember(createFsArtifactStore(root), KEY, schema, async () => {
        done += 1;
        return { score: done };
      });
    const first = await ask();
    expect(first.value).toEqual({ score: 1 });
    expect(await ask()).toEqual(first);
    expect(await createFsArtifactStore(root).getRecord(first.recordDigest)).toEqual({ score: 1 });
    expect(done).toBe(1);
  });

  it('does it again for other inputs and for other work, but not for another order of keys', async () => {
    const store = createFsArtifactStore(await temporaryFolder());
    let done = 0;
    const ask = (key: Parameters<typeof remember>[1]): Promise<unknown> =>
      remember(store, key, schema, async () => ({ score: (done += 1) }));
    await ask(KEY);
    await ask({ ...KEY, inputs: { scale: 1, model: digestOf('model') } });
    expect(done).toBe(1);
    await ask({ ...KEY, inputs: { ...KEY.inputs, scale: 2 } });
    await ask({ ...KEY, work: 'recycle' });
    expect(done).toBe(3);
  });

  it('gives two that do it at the same time the value that was kept first', async () => {
    const store = createFsArtifactStore(await temporaryFolder());
    let arrived = 0;
    let open: (value?: unknown) => void = () => undefined;
    const bothHere = new Promise((resolve) => (open = resolve));
    const ask = (score: number): ReturnType<typeof remember<{ score: number }>> =>
      remember(store, KEY, schema, async () => {
        arrived += 1;
        if (arrived === 2) open();
        await bothHere;
        return { score };
      });
    const [one, two] = await Promise.all([ask(1), ask(2)]);
    expect(arrived).toBe(2);
    expect(two).toEqual(one);
    expect(await ask(3)).toEqual(one);
  });

  it('keeps nothing of work that failed', async () => {
    const store = createFsArtifactStore(await temporaryFolder());
    await expect(remember(store, KEY, schema, () => Promise.reject(new Error('out of disk')))).rejects.toThrow(
      'out of disk',
    );
    expect((await remember(store, KEY, schema, async () => ({ score: 1 }))).value).toEqual({ score: 1 });
  });
});

describe('firstValue', () => {
  it('is the value that stands, whoever set it', async () => {
    const store = createFsArtifactStore(await temporaryFolder());
    expect(await firstValue(store, 'pin', digestOf('a'))).toBe(digestOf('a'));
    expect(await firstValue(store, 'pin', digestOf('b'))).toBe(digestOf('a'));
  });
});
