import { cp, mkdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { LineagePlace, type Standing } from '../support/lineage-place.ts';
import { makeSpec } from '../support/lineage-values.ts';
import { readRunOutcome, type RunOutcome } from '../support/run-outcome.ts';
import { makeTinyFamily } from '../support/tiny-family.ts';

export const STEPS = 20;
export const SAVE_EVERY = 5;

/** A lineage that nobody disturbed. */
export interface ReferenceRun {
  /** As it was when M1 was concluded: where every other lineage begins. */
  readonly afterM1: Standing;
  /** What M2 came to: what it must come to in every other lineage. */
  readonly outcome: RunOutcome;
}

/** Takes one lineage through two tiny releases with a real worker and real training: about half a minute. */
export async function makeReferenceRun(root: string, address: string): Promise<ReferenceRun> {
  const made = await makeTinyFamily(root);
  const family = path.join(root, 'family');
  const place = await LineagePlace.create(root, 'reference', address);
  try {
    await release(made.releases, family, 'M1');
    await place.startWorker();
    const spec = makeSpec({
      name: place.name,
      family: { folder: family, names: 'M{release}', order: ['release'], pollEvery: '1h' },
      finetune: {
        dataset: made.dataset,
        steps: STEPS,
        learningRate: 1e-3,
        batchSize: 128,
        saveEvery: SAVE_EVERY,
        maxLength: 32,
      },
      evaluate: [{ name: 'desc', suite: made.suite }],
      gate: { nonInferior: { desc: 1 } },
      publish: [{ folder: place.target }],
    });
    await place.lineages.apply(spec, { actor: 'the test', reason: 'to have something to compare with' });
    await place.waitUntilConcluded('M1');
    const afterM1 = await place.takeStanding(path.join(root, 'after-m1'));
    await release(made.releases, family, 'M2');
    await place.lineages.watchNow(place.name);
    return { afterM1, outcome: await readRunOutcome(place, await place.waitUntilConcluded('M2')) };
  } finally {
    await place.end();
  }
}

/** Lets a release appear in a family, whole at once. */
async function release(from: string, family: string, name: string): Promise<void> {
  await mkdir(family, { recursive: true });
  const hidden = path.join(family, `.${name}`);
  await cp(path.join(from, name), hidden, { recursive: true });
  await rename(hidden, path.join(family, name));
}
