import { setCurrentDetails } from '@temporalio/workflow';
import type { LineageState } from '../../contracts/lineage-state.ts';

/** Releases that Temporal's page shows. */
const SHOWN = 12;

/** The state of a lineage, and the one way to change it. */
export class Book {
  #state: LineageState;

  constructor(state: LineageState) {
    this.#state = state;
  }

  get state(): LineageState {
    return this.#state;
  }

  get name(): string {
    return this.#state.spec.name;
  }

  get isPaused(): boolean {
    return this.#state.paused !== null;
  }

  change(state: LineageState): void {
    this.#state = state;
    setCurrentDetails(detailsOf(state));
  }

  /** Lets an order change the state; says whether it did. */
  order(decide: (state: LineageState, at: string) => LineageState): { readonly changed: boolean } {
    const before = this.#state;
    this.change(decide(before, new Date().toISOString()));
    return { changed: this.#state !== before };
  }
}

function detailsOf({ spec, paused, releases, published }: LineageState): string {
  const held = paused === null ? '' : ` (paused by ${paused.actor}: ${paused.reason})`;
  const line = releases
    .slice(-SHOWN)
    .map(({ release, status }) => `${release.name} ${status}`)
    .join(' · ');
  const live = published === null ? 'nothing' : published.release;
  return `**${spec.name}**${held}, live: ${live}\n\n${releases.length > SHOWN ? '… ' : ''}${line}`;
}
