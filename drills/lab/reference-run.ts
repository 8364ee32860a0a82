import path from 'node:path';
import type { DrillPlace } from './drill-place.ts';
import { readOutcome, type Curve } from './measure.ts';

/** A run that nobody disturbed: what every drill's run must come to. */
export interface ReferenceRun {
  readonly curve: Curve;
  readonly finalDigest: string;
  /** Cache folder of its worker. */
  readonly cache: string;
}

/** Takes a fresh place through its run: about fifteen seconds. */
export async function makeReferenceRun(place: DrillPlace): Promise<ReferenceRun> {
  await place.startWorker();
  await place.declare();
  const { curve, finalDigest } = await readOutcome(place);
  return { curve, finalDigest, cache: path.join(place.folder, 'home', 'cache') };
}
