import {
  connectivityRecordSchema,
  type ConnectivityRecord,
  type ConnectivitySummary,
  type LinePoint,
} from '../contracts/connectivity.schema.ts';
import { RegraftError } from '../contracts/error.ts';
import type { ProbeSpec } from '../contracts/lineage-spec.schema.ts';
import type { RunKey } from '../contracts/run.ts';
import type { Metrics } from '../metrics/registry.ts';
import { barrierNats } from '../policy/connectivity/barrier.ts';
import { driftGroups, driftOf } from '../policy/connectivity/drift-groups.ts';
import { meanResults } from '../policy/mean-results.ts';
import { sweep, type HealthReport } from '../weights/index.ts';
import { deltaParents } from './delta-parents.ts';
import { evaluateOnce } from './evaluate-once.ts';
import type { EvaluateDeps } from './evaluate.ts';
import { inScratch } from './in-scratch.ts';
import type { ArtifactStore, Suite, Workspace } from './ports.ts';
import { remember } from './remember.ts';
import { stageAtRim, type ActivityScope } from './rim.ts';

export interface ProbeDeps extends EvaluateDeps {
  readonly store: ArtifactStore;
  readonly workspace: Workspace;
  readonly metrics: Metrics;
}

export interface ProbeInput {
  readonly key: RunKey;
  /** Digest of the newer base, M_i. */
  readonly target: string;
  /** Digest of the Δ that is carried. */
  readonly delta: string;
  /** Digest of M_i + Δ. */
  readonly recycled: string;
  readonly probe: ProbeSpec;
}

/** Looking before leaping, on the `cpu` queue. */

export function createProbeActivities(deps: ProbeDeps) {
  return {
    probeConnectivity: stageAtRim(deps.metrics, 'probe', (input: ProbeInput, scope) =>
      probeConnectivity(deps, input, scope),
    ),
  };
}

/**
 * Measures the loss along the straight lines M_{i−1} → M_i and M*_{i−1} → M_i + Δ, and how the base's own way lies beside
 * Δ, before GPU time is spent. It shows and records; it decides nothing: the paper supposes linear connectivity and never
 * measures it. Once for the same models, suite, harness and number of points. Heartbeats `{line, at}`.
 *
 * Errors: PROBE_NO_PARENTS, PROBE_NO_LOSS, and those of the engines.
 */
async function probeConnectivity(
  deps: ProbeDeps,
  input: ProbeInput,
  scope: ActivityScope,
): Promise<ConnectivitySummary> {
  const { store, metrics } = deps;
  const { probe, target, recycled } = input;
  const suite = await deps.data.suite({ name: 'probe', ...probe });
  const { tuned, base } = await parentsOf(store, input.delta);
  const harness = await deps.evaluators[probe.harness].identity(suite);
  const inputs = { target, recycled, delta: input.delta, suite: suite.digest, harness: harness.digest };
  const key = { work: 'probe', inputs: { ...inputs, points: probe.points } };
  const { value, recordDigest } = await remember(store, key, connectivityRecordSchema, async () => {
    const line = new LineProbe(deps, input, suite, scope);
    const bases = await line.measure('bases', base, target);
    const fineTunes = await line.measure('tuned', tuned, recycled);
    return {
      ...{ schema: 'regraft.connectivity/1' as const, suiteDigest: suite.digest, harness },
      lines: [bases.line, fineTunes.line],
      drift: driftOf(bases.health.tensors),
      groups: [...driftGroups(bases.health.tensors)],
    };
  });
  show(metrics, input.key, value);
  const [bases, fineTunes] = value.lines;
  return {
    recordDigest,
    barriersNats: { bases: bases?.barrierNats ?? 0, tuned: fineTunes?.barrierNats ?? 0 },
    drift: value.drift,
  };
}

type Line = ConnectivityRecord['lines'][number];

/** Measures lines between models of the store: their ends as they are, what lies between as models made for the moment. */
class LineProbe {
  readonly #deps: ProbeDeps;
  readonly #input: ProbeInput;
  readonly #suite: Suite;
  readonly #scope: ActivityScope;

  constructor(deps: ProbeDeps, input: ProbeInput, suite: Suite, scope: ActivityScope) {
    this.#deps = deps;
    this.#input = input;
    this.#suite = suite;
    this.#scope = scope;
  }

  async measure(
    line: Line['line'],
    from: string,
    to: string,
  ): Promise<{ readonly line: Line; readonly health: HealthReport }> {
    const { points: count } = this.#input.probe;
    const inner = Array.from({ length: count - 2 }, (_, index) => (index + 1) / (count - 1));
    const points: LinePoint[] = [{ at: 0, lossNats: await this.#lossOfEnd(line, 0, from) }];
    const health = await this.#between(from, to, inner, async (at, folder) => {
      points.push({ at, lossNats: await this.#lossOfFolder(line, at, folder) });
    });
    points.push({ at: 1, lossNats: await this.#lossOfEnd(line, 1, to) });
    return { line: { line, from, to, points, barrierNats: barrierNats(points) }, health };
  }

  /** All inner points in one pass over the two models; gives the health of the whole way, from 0 to 1. */
  async #between(
    from: string,
    to: string,
    inner: readonly number[],
    visit: (at: number, folder: string) => Promise<void>,
  ): Promise<HealthReport> {
    const { store, workspace } = this.#deps;
    const [base, tuned, previous] = await Promise.all(
      [from, to, this.#input.delta].map((digest) => store.materialize(digest)),
    );
    if (base === undefined || tuned === undefined || previous === undefined) throw new RangeError('three folders');
    return inScratch(workspace, `probe-${from.slice(0, 16)}-${to.slice(0, 16)}`, async (scratch) => {
      const outputs = inner.map((scale) => ({ scale, out: `${scratch}/at-${String(scale)}` }));
      const reports = await sweep({
        ...{ tuned, base, target: base, previous, outputs, allowDistantBase: true },
        ...{ digests: false, durable: false, signal: this.#scope.signal },
      });
      for (const { scale, out } of outputs) await visit(scale, out);
      return wholeWay(reports[0]?.health ?? null, inner[0] ?? 1);
    });
  }

  async #lossOfEnd(line: Line['line'], at: number, modelDigest: string): Promise<number> {
    const { record } = await evaluateOnce(this.#deps, {
      ...{ modelDigest, suite: this.#suite, harness: this.#input.probe.harness, signal: this.#scope.signal },
      onProgress: () => {
        this.#scope.progress({ line, at });
      },
    });
    return this.#known(record.lossNats);
  }

  async #lossOfFolder(line: Line['line'], at: number, modelFolder: string): Promise<number> {
    const samples = await this.#deps.evaluators[this.#input.probe.harness].evaluate({
      ...{ modelFolder, suite: this.#suite, signal: this.#scope.signal },
      onProgress: () => {
        this.#scope.progress({ line, at });
      },
    });
    return this.#known(meanResults(samples).lossNats);
  }

  #known(lossNats: number | null): number {
    if (lossNats !== null) return lossNats;
    throw new RegraftError(
      'PROBE_NO_LOSS',
      `Probe of ${this.#input.key.lineage}: its suite ${this.#suite.name} gives no loss; use a text file, or a suite that the onnx harness scores by likelihood.`,
    );
  }
}

/** Norms along the way are those of a part of it: λ times the whole. */
function wholeWay(health: HealthReport | null, part: number): HealthReport {
  if (health === null) throw new RangeError('a sweep measures health unless told not to');
  const whole = (value: number | null): number | null => (value === null ? null : value / part);
  return {
    ...health,
    tensors: health.tensors.map((tensor) => ({
      ...tensor,
      norm: whole(tensor.norm),
      relativeNorm: whole(tensor.relativeNorm),
    })),
  };
}

/** The two models that a Δ is the difference of. @throws RegraftError PROBE_NO_PARENTS */
async function parentsOf(
  store: ArtifactStore,
  delta: string,
): Promise<{ readonly tuned: string; readonly base: string }> {
  const parents = await deltaParents(store, delta);
  if (parents !== null) return parents;
  throw new RegraftError(
    'PROBE_NO_PARENTS',
    `Δ ${delta.slice(0, 12)} does not say which models it is the difference of, so there is no line to probe; leave \`probe\` out of the spec.`,
  );
}

function show(metrics: Metrics, key: RunKey, { lines, drift }: ConnectivityRecord): void {
  for (const { line, barrierNats: barrier } of lines) metrics.connectivityBarrierNats.set({ ...key, line }, barrier);
  if (drift.relativeNorm !== null) metrics.baseDriftRatio.set(key, drift.relativeNorm);
  if (drift.cosine !== null) metrics.baseDriftCosine.set(key, drift.cosine);
}
