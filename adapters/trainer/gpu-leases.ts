import { z } from 'zod';
import { RegraftError } from '../../contracts/error.ts';
import { FsRefs } from '../store/fs-refs.ts';
import type { Launch } from './launcher.ts';

/** A launch that took GPUs and has left no identity yet is given this long. */
const STARTING_MS = 60_000;
const leaseSchema = z.object({ folder: z.string(), token: z.string(), at: z.number() });

export interface GpuLeases {
  /**
   * Gives a launch GPUs of its own for as long as its trainer lives; returns what it has to find in its environment.
   * Nothing on a machine without GPUs. @throws TRAINER_NO_GPU, retryable, when too few are free
   */
  take(launch: Launch, wanted: number): Promise<Readonly<Record<string, string>>>;
}

export interface GpuLeaseOptions {
  /** As CUDA_VISIBLE_DEVICES names them; empty: there are none. */
  readonly gpus: readonly string[];
  /** Folder of the leases, shared by all workers of this machine. */
  readonly root: string;
  /** Whether anything of a launch still runs; null: it was never seen. */
  readonly isInUse: (launch: Launch) => Promise<boolean | null>;
  readonly now: () => number;
}

/** What a lease is swapped to when it is given back. */
const FREE = 'null';

/**
 * GPUs of this machine, one trainer each. A lease names its launch and ends with it: nothing has to be given back, so
 * nothing is lost when somebody dies. Several workers may take at once: a lease changes hands by compare-and-swap, and who
 * loses one of several gives the others back and looks again.
 */
export function createGpuLeases({ gpus, root, isInUse, now }: GpuLeaseOptions): GpuLeases {
  const refs = new FsRefs(root);

  async function isFree(value: string | null, launch: Launch): Promise<boolean> {
    const lease = value === null ? null : leaseSchema.nullable().parse(JSON.parse(value));
    if (lease === null || lease.folder === launch.folder) return true; // an earlier launch there has been ended
    return !((await isInUse(lease)) ?? now() - lease.at < STARTING_MS);
  }

  /** False, with nothing taken, when somebody else was faster. */
  async function takeAll(free: ReadonlyMap<string, string | null>, lease: string): Promise<boolean> {
    const taken: string[] = [];
    for (const [gpu, value] of free) {
      if ((await refs.swap(gpu, value, lease)).swapped) {
        taken.push(gpu);
        continue;
      }
      for (const other of taken) await refs.swap(other, lease, FREE);
      return false;
    }
    return true;
  }

  return {
    async take(launch, wanted) {
      if (gpus.length === 0 || wanted === 0) return {};
      for (;;) {
        const free = new Map<string, string | null>();
        for (const gpu of gpus) {
          const value = await refs.read(gpu);
          if (free.size < wanted && (await isFree(value, launch))) free.set(gpu, value);
        }
        if (free.size < wanted) throw tooFew(free.size, gpus.length, wanted);
        const lease = JSON.stringify({ folder: launch.folder, token: launch.token, at: now() });
        if (await takeAll(free, lease)) return { CUDA_VISIBLE_DEVICES: [...free.keys()].join(',') };
      }
    },
  };
}

function tooFew(free: number, all: number, wanted: number): RegraftError {
  return new RegraftError(
    'TRAINER_NO_GPU',
    `${String(free)} of this machine's ${String(all)} GPUs are free, the training wants ${String(wanted)}; lower --slots or launcher.local.gpus.`,
    { retryable: true },
  );
}
