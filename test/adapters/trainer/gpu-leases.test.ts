import { describe, expect, it } from 'vitest';
import { createGpuLeases, type GpuLeases } from '../../../adapters/trainer/gpu-leases.ts';
import type { Launch } from '../../../adapters/trainer/launcher.ts';
import { temporaryFolder } from '../../support/safetensors.ts';

const MINUTE_MS = 60_000;

/** What every worker of one machine sees: which launches run, and the time. */
class Machine {
  readonly root: string;
  nowMs = 0;
  /** Whether anything of a launch runs, by its folder; not there: nobody has seen it. */
  readonly inUse = new Map<string, boolean>();

  constructor(root: string) {
    this.root = root;
  }

  /** A worker of its own. */
  leases(...gpus: readonly string[]): GpuLeases {
    return createGpuLeases({
      gpus,
      root: this.root,
      isInUse: ({ folder }) => Promise.resolve(this.inUse.get(folder) ?? null),
      now: () => this.nowMs,
    });
  }
}

const launchIn = (folder: string, token = '0'.repeat(16)): Launch => ({ folder, token });
const machine = async (): Promise<Machine> => new Machine(await temporaryFolder());

/** The GPUs that a training in a folder gets; none: too few are free. */
async function take(leases: GpuLeases, folder: string, wanted = 1, token?: string): Promise<readonly string[]> {
  try {
    const given = await leases.take(launchIn(folder, token), wanted);
    expect(Object.keys(given)).toEqual(['CUDA_VISIBLE_DEVICES']);
    return given['CUDA_VISIBLE_DEVICES']?.split(',') ?? [];
  } catch (error) {
    expect(error).toMatchObject({ code: 'TRAINER_NO_GPU', retryable: true });
    return [];
  }
}

describe('the GPUs of a machine', () => {
  it('go to one training each, until none is left', async () => {
    const leases = (await machine()).leases('0', '1');
    expect([await take(leases, '/a'), await take(leases, '/b'), await take(leases, '/c')]).toEqual([['0'], ['1'], []]);
  });

  it('are refused with what is free and what is wanted', async () => {
    const leases = (await machine()).leases('0', '1');
    await take(leases, '/a');
    await expect(leases.take(launchIn('/b'), 2)).rejects.toMatchObject({
      message: "1 of this machine's 2 GPUs are free, the training wants 2; lower --slots or launcher.local.gpus.",
    });
  });

  it('that a training could not use are left to others', async () => {
    const leases = (await machine()).leases('0', '1');
    await take(leases, '/a');
    expect([await take(leases, '/b', 2), await take(leases, '/c', 1)]).toEqual([[], ['1']]);
  });

  it('are several where several are wanted', async () => {
    const leases = (await machine()).leases('0', '1', '2');
    expect([await take(leases, '/a', 2), await take(leases, '/b', 1)]).toEqual([['0', '1'], ['2']]);
  });

  it('may be called anything that CUDA takes', async () => {
    const names = ['GPU-3f1c/..', 'MIG-7 b', '..'];
    expect(await take((await machine()).leases(...names), '/a', 3)).toEqual(names);
  });

  it.each([
    ['on a machine that has none', [], 1],
    ['for a training that wants none', ['0'], 0],
  ])('are no matter %s', async (_claim, gpus, wanted) => {
    expect(await (await machine()).leases(...gpus).take(launchIn('/a'), wanted)).toEqual({});
  });
});

describe('a GPU in somebody’s hands', () => {
  it('stays there while anything of it runs, however long that is', async () => {
    const it = await machine();
    await take(it.leases('0'), '/a');
    it.inUse.set('/a', true);
    it.nowMs = 1e12;
    expect(await take(it.leases('0'), '/b')).toEqual([]);
  });

  it('is given on as soon as that has ended, by any worker', async () => {
    const it = await machine();
    await take(it.leases('0'), '/a');
    it.inUse.set('/a', false);
    expect(await take(it.leases('0'), '/b')).toEqual(['0']);
  });

  it('is kept a minute for a trainer that nobody has seen yet, and no longer', async () => {
    const it = await machine();
    await take(it.leases('0'), '/a');
    it.nowMs = MINUTE_MS - 1;
    expect(await take(it.leases('0'), '/b')).toEqual([]);
    it.nowMs = MINUTE_MS;
    expect(await take(it.leases('0'), '/b')).toEqual(['0']);
  });

  it('goes on with the next attempt in its folder', async () => {
    const it = await machine();
    await take(it.leases('0', '1'), '/a');
    it.inUse.set('/a', true);
    expect(await take(it.leases('0', '1'), '/a', 1, 'f'.repeat(16))).toEqual(['0']);
    expect(await take(it.leases('0', '1'), '/b')).toEqual(['1']);
  });
});

describe('several workers that take at once', () => {
  it('never share a GPU, and leave none unused while somebody wants one', async () => {
    for (let round = 0; round < 20; round += 1) {
      const it = await machine();
      const takers = Array.from({ length: 8 }, (_, index) => `/training-${String(index)}`);
      const taken = await Promise.all(takers.map((folder) => take(it.leases('0', '1', '2', '3'), folder)));
      expect(taken.flat().sort()).toEqual(['0', '1', '2', '3']);
    }
  });

  it('never share one of several, and never block each other for good', async () => {
    for (let round = 0; round < 20; round += 1) {
      const it = await machine();
      const takers = ['/a', '/b', '/c'].map((folder) => take(it.leases('0', '1', '2', '3'), folder, 2));
      const taken = (await Promise.all(takers)).flat();
      expect(new Set(taken).size).toBe(taken.length);
      const late = ['/d', '/e'].map(async (folder) => take(it.leases('0', '1', '2', '3'), folder, 2));
      expect(taken.length + (await Promise.all(late)).flat().length).toBeGreaterThanOrEqual(4);
    }
  });

  it('give back what they have when another is faster at the rest', async () => {
    const it = await machine();
    await take(it.leases('1'), '/dead');
    it.inUse.set('/dead', false);
    // While the slow one looks whether GPU 1 is free, another one takes it.
    const slow = createGpuLeases({
      gpus: ['0', '1'],
      root: it.root,
      isInUse: async ({ folder }) => {
        if (folder === '/dead') expect(await take(it.leases('1'), '/fast')).toEqual(['1']);
        return it.inUse.get(folder) ?? null;
      },
      now: () => it.nowMs,
    });
    expect(await take(slow, '/slow', 2)).toEqual([]);
    expect(await take(it.leases('0', '1'), '/third')).toEqual(['0']);
  });

  it('give the GPU of one that has died to a single one of them', async () => {
    for (let round = 0; round < 20; round += 1) {
      const it = await machine();
      await take(it.leases('0'), '/dead');
      it.inUse.set('/dead', false);
      const takers = ['/a', '/b', '/c', '/d'].map((folder) => take(it.leases('0'), folder));
      expect((await Promise.all(takers)).flat()).toEqual(['0']);
    }
  });
});
