import { messageOf, RegraftError } from '../contracts/error.ts';
import type { Drill, DrillRow } from './drill.ts';
import { failedDrill, judgeDrill } from './judge-drill.ts';
import { DrillPlace, SAVE_EVERY, type PlaceOptions } from './lab/drill-place.ts';
import { makeDrillModels, type DrillModels } from './lab/models.ts';
import { makeReferenceRun, type ReferenceRun } from './lab/reference-run.ts';

/** Drills wait most of the time; more of them on two cores make each other late. */
const AT_ONCE = 2;

export interface GroundOptions {
  /** Folder for everything; its owner removes it. */
  readonly root: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Where drills are held: the models that they share, and the run that nobody disturbed. */
export class DrillGround {
  readonly #options: GroundOptions;
  readonly #closing = new AbortController();
  readonly #open = new Set<Promise<DrillPlace>>();
  #prepared: { readonly models: DrillModels; readonly reference: ReferenceRun } | null = null;

  constructor(options: GroundOptions) {
    this.#options = options;
  }

  /** Makes the models and the reference run: about half a minute. Needed before the first drill. */
  async prepare(): Promise<void> {
    const models = await makeDrillModels(this.#options.root, this.#options.environment, this.#closing.signal);
    const options = { name: 'reference', models, cache: null, finetune: {} };
    this.#prepared = { models, reference: await this.#in(options, makeReferenceRun) };
  }

  /** Holds one drill; a failure is a row too. Nothing of it runs when this is over. */
  async hold(drill: Drill): Promise<DrillRow> {
    try {
      const { models, reference } = this.#ready();
      const { fault: name, finetune = {} } = drill;
      const options = { name, models, cache: reference.cache, finetune };
      const measured = await this.#in(options, (place) => drill.run(place, reference));
      return judgeDrill(drill, measured, SAVE_EVERY);
    } catch (error) {
      return failedDrill(drill, messageOf(error));
    }
  }

  /** Holds several, some side by side, for they wait most of the time; tells of each as it ends. Rows in the drills' order. */
  async holdAll(drills: readonly Drill[], told: (row: DrillRow) => void): Promise<readonly DrillRow[]> {
    const rows = new Map<Drill, DrillRow>();
    const waiting = [...drills];
    const hold = async (): Promise<void> => {
      for (let drill = waiting.shift(); drill !== undefined; drill = waiting.shift()) {
        const row = await this.hold(drill);
        rows.set(drill, row);
        told(row);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, hold));
    return drills.flatMap((drill) => rows.get(drill) ?? []);
  }

  /** Ends what drills under way have started; no other one begins. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#open].map((place) => this.#end(place)));
  }

  #ready(): { readonly models: DrillModels; readonly reference: ReferenceRun } {
    if (this.#prepared !== null) return this.#prepared;
    throw new RegraftError(
      'DRILL_NOT_PREPARED',
      'A drill was begun before the ground was prepared; call prepare() first.',
    );
  }

  /** Does the work in a place of its own, and ends that place. */
  async #in<Value>(
    options: Omit<PlaceOptions, keyof GroundOptions>,
    work: (place: DrillPlace) => Promise<Value>,
  ): Promise<Value> {
    this.#closing.signal.throwIfAborted();
    const opening = DrillPlace.create({ ...this.#options, ...options });
    this.#open.add(opening);
    try {
      return await work(await opening);
    } finally {
      await this.#end(opening);
    }
  }

  async #end(opening: Promise<DrillPlace>): Promise<void> {
    if (!this.#open.delete(opening)) return;
    const place = await opening.catch(() => null); // one that did not come to be has ended what it started
    await place?.end();
  }
}
