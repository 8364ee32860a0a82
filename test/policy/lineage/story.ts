import fc from 'fast-check';
import type { ArmState, LineageState, LogEntry, ReleaseState } from '../../../contracts/lineage-state.ts';
import type { PublishedModel } from '../../../contracts/run.ts';
import { superseder, takeNext } from '../../../policy/lineage/backlog.ts';
import {
  concludeRelease,
  endArm,
  observeRelease,
  startRelease,
  type ArmOutcome,
} from '../../../policy/lineage/life.ts';
import { planRollback, rollBack, withheldBecause } from '../../../policy/lineage/live.ts';
import { cancelRelease, pauseLineage, resumeLineage, retryRelease } from '../../../policy/lineage/orders.ts';
import { askForRestart } from '../../../policy/lineage/restart.ts';
import { createLineage, noteRecorded, runningRelease, unrecordedOrders } from '../../../policy/lineage/state.ts';
import { AT, digestOf, makeRelease, makeResult, makeSpec } from '../../support/lineage-values.ts';
import { ADA, CANCELLED, FAILED, liveModel } from '../../support/lineages.ts';

/** Releases that a story is about. */
const FAMILY = 8;

const number = fc.integer({ min: 1, max: FAMILY });
const how = fc.constantFrom('succeeded' as const, 'succeeded' as const, 'failed' as const, 'cancelled' as const);
const workArbitrary = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('begin' as const) }) },
  // Production ends, and its controls with it where `others` says how.
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('end' as const), how, others: fc.option(how), passes: fc.boolean() }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('conclude' as const, 'supersede' as const) }) },
);
const orderArbitrary = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('observe' as const), number, backfill: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('pause' as const, 'restart' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('resume' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('retry' as const, 'cancel' as const), number }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rollback' as const), to: fc.option(number) }) },
);
type ValueOf<Arbitrary> = Arbitrary extends fc.Arbitrary<infer Value> ? Value : never;
type Work = ValueOf<typeof workArbitrary>;
type Ordered = ValueOf<typeof orderArbitrary>;
type How = ValueOf<typeof how>;
type Event = Work | Ordered;
const eventArbitrary: fc.Arbitrary<Event> = fc.oneof<[fc.Arbitrary<Work>, fc.Arbitrary<Ordered>]>(
  workArbitrary,
  orderArbitrary,
);

/** Anything that may happen to a lineage, in any order. */
export const eventsArbitrary = fc.array(eventArbitrary, { minLength: 1, maxLength: 100, size: 'max' });

/** What one event did to the lineage. */
export interface Told {
  readonly event: Event;
  readonly before: LineageState;
  readonly after: LineageState;
}

/** Asks the decisions as the workflow does, with runs that end as the events say. */
export class Story {
  state: LineageState;
  readonly told: Told[] = [];
  /** Names of the releases in the order in which they were begun. */
  readonly begun: string[] = [];
  /** Orders that are in a release's record. */
  readonly recorded: LogEntry[] = [];
  /** What was live when the running release began, and whether something newer was. */
  #seen: { readonly live: PublishedModel | null; readonly withheld: boolean } = { live: null, withheld: false };
  #runs = 0;

  constructor(backlog: string, events: readonly Event[]) {
    this.state = createLineage(makeSpec({ backlog, controls: ['plain', 'direct'] }));
    for (const event of events) {
      const before = this.state;
      this.#tell(event);
      this.told.push({ event, before, after: this.state });
    }
  }

  #tell(event: Event): void {
    switch (event.kind) {
      case 'begin':
        this.#begin();
        return;
      case 'end':
        this.#end(event.how, event.others, event.passes);
        return;
      case 'conclude':
        this.#conclude();
        return;
      case 'supersede':
        this.#supersede();
        return;
      case 'observe':
      case 'pause':
      case 'resume':
      case 'restart':
      case 'retry':
      case 'cancel':
      case 'rollback':
        this.state = carryOut(this.state, event);
    }
  }

  #begin(): void {
    if (runningRelease(this.state) !== null) return;
    const { state, next } = takeNext(this.state, AT);
    this.state = state;
    if (next === null) return;
    const { name } = next.release;
    this.#seen = { live: state.published, withheld: withheldBecause(state, next.release) !== null };
    this.begun.push(name);
    this.state = startRelease(state, name);
  }

  #end(first: How, others: How | null, passes: boolean): void {
    const running = runningRelease(this.state);
    if (running === null) return;
    for (const [index, arm] of working(running).entries()) {
      const ends = index === 0 ? first : others;
      if (ends === null) return;
      this.state = endArm(this.state, running.release.name, arm.arm, this.#outcome(running, arm, ends, passes));
    }
  }

  #conclude(): void {
    const running = runningRelease(this.state);
    if (running === null || working(running).length > 0) return;
    const { name } = running.release;
    const orders = unrecordedOrders(this.state);
    this.recorded.push(...orders);
    this.state = concludeRelease(noteRecorded(this.state, orders.length), name, digestOf(`record of ${name}`), AT);
  }

  #outcome({ release: { name }, arms }: ReleaseState, arm: ArmState, ends: How, passes: boolean): ArmOutcome {
    if (ends !== 'succeeded') return ends === 'failed' ? FAILED : CANCELLED;
    const goesLive = arm === arms[0] && passes && !this.#seen.withheld;
    // Publishing asks the store whether what it was judged against is live still.
    if (goesLive && this.#seen.live?.candidateDigest !== this.state.published?.candidateDigest) return FAILED;
    this.#runs += 1;
    const published = goesLive ? liveModel(name, `candidate ${String(this.#runs)}`) : null;
    return { kind: 'succeeded', result: makeResult({ deltaDigest: digestOf(`Δ ${String(this.#runs)}`), published }) };
  }

  /** Ends what still runs early, where the backlog says so. */
  #supersede(): void {
    const running = runningRelease(this.state);
    if (running === null || superseder(this.state) === null) return;
    for (const [index, { arm }] of working(running).entries()) {
      this.#runs += 1;
      const result = makeResult({ deltaDigest: digestOf(`Δ ${String(this.#runs)}`), superseded: true });
      const outcome = { kind: 'superseded', result: index === 0 ? result : null } as const;
      this.state = endArm(this.state, running.release.name, arm, outcome);
    }
  }
}

/** The arms of a release that have still to end. */
function working({ arms }: ReleaseState): readonly ArmState[] {
  return arms.filter(({ status }) => status === 'waiting' || status === 'running');
}

/** What people and the watch do. */
function carryOut(state: LineageState, event: Ordered): LineageState {
  switch (event.kind) {
    case 'observe': {
      const release = { ...makeRelease(event.number), ...(event.backfill && { backfill: true }) };
      return observeRelease(state, release, AT).state;
    }
    case 'pause':
      return pauseLineage(state, ADA, AT);
    case 'resume':
      return resumeLineage(state, ADA, AT);
    case 'restart':
      return askForRestart(state, ADA, AT);
    case 'retry':
      return retryRelease(state, `M${String(event.number)}`, ADA, AT);
    case 'cancel':
      return cancelRelease(state, `M${String(event.number)}`, ADA, AT);
    case 'rollback': {
      const plan = planRollback(state, event.to === null ? null : `M${String(event.to)}`);
      return plan.kind === 'to' ? rollBack(state, plan.to, ADA, AT) : state;
    }
  }
}
