import { ApplicationFailure, Context } from '@temporalio/activity';
import type { LineageDoor } from '../../activities/ports.ts';
import { toFailure } from '../../activities/rim.ts';
import type { Arm, FinetuneSpec } from '../../contracts/lineage-spec.schema.ts';
import type { Release } from '../../contracts/release.ts';
import type { RunKey } from '../../contracts/run.ts';
import type { GateDecision } from '../../contracts/gate.schema.ts';
import { runRecordSchema, type SuiteScore } from '../../contracts/run-record.schema.ts';
import { chooseReleases, inOrder } from '../../policy/choose-releases.ts';
import type * as proxies from '../../workflows/activities.ts';
import { AT, digestOf, makeAttemptSummary, makeDecision, makeScore } from './lineage-values.ts';

type Proxies = typeof proxies.io & typeof proxies.cpu & ReturnType<typeof proxies.gpuOn> & typeof proxies.evaluation;

/** Every activity as the workflows see it. */
export type Activities = {
  [Name in keyof Proxies]: Proxies[Name] extends (input: infer Input) => Promise<infer Output>
    ? (input: Input) => Promise<Output>
    : never;
};

/** One call of an activity, as far as tests ask. */
export interface Call {
  readonly activity: keyof Activities;
  readonly release: string;
  readonly arm: Arm | null;
  /** Of an evaluation. */
  readonly step: number | null;
}

interface Subject {
  readonly key?: RunKey;
  readonly lineage?: string;
  readonly release?: Release;
  readonly name?: string;
  readonly step?: number;
}

/** What the activities of one lineage do: by default everything goes well, at once, and equal inputs give equal results. */
export class Script {
  readonly calls: Call[] = [];
  /** What an activity does instead. */
  instead: Partial<Activities> = {};
  /** Names that the source has. */
  source: readonly string[] = [];
  readonly usual: Activities;

  constructor(door: LineageDoor) {
    this.usual = usualActivities(door, () => this.source);
  }

  get activities(): Activities {
    return { ...this.usual, ...this.instead };
  }

  /** Calls of one activity. */
  of(activity: keyof Activities): readonly Call[] {
    return this.calls.filter((call) => call.activity === activity);
  }

  /** The activities of one arm at one release, in the order they were called. */
  story(release: string, arm: Arm): readonly string[] {
    return this.calls
      .filter((call) => call.release === release && call.arm === arm)
      .map(({ activity, step }) => (step === null ? activity : `${activity} ${String(step)}`));
  }
}

/** Fakes of all activities; each lineage has its own script, so that tests that share workers do not meet. */
export class ScriptedWork {
  readonly #door: LineageDoor;
  readonly #scripts = new Map<string, Script>();

  constructor(door: LineageDoor) {
    this.#door = door;
  }

  script(lineage: string): Script {
    const script = this.#scripts.get(lineage) ?? new Script(this.#door);
    this.#scripts.set(lineage, script);
    return script;
  }

  /** What a worker is given. */
  activities(): Activities {
    const route =
      <Input extends Subject, Output>(
        activity: keyof Activities,
        pick: (activities: Activities) => (input: Input) => Promise<Output>,
      ) =>
      (input: Input): Promise<Output> => {
        const script = this.script(input.key?.lineage ?? input.lineage ?? '');
        script.calls.push({
          activity,
          release: input.key?.release ?? input.release?.name ?? input.name ?? '',
          arm: input.key?.arm ?? null,
          step: input.step ?? null,
        });
        return pick(script.activities)(input);
      };
    return {
      findReleases: route('findReleases', (doing) => doing.findReleases),
      pinRelease: route('pinRelease', (doing) => doing.pinRelease),
      announceRelease: route('announceRelease', (doing) => doing.announceRelease),
      inspectRelease: route('inspectRelease', (doing) => doing.inspectRelease),
      recycleModel: route('recycleModel', (doing) => doing.recycleModel),
      evaluateModel: route('evaluateModel', (doing) => doing.evaluateModel),
      probeConnectivity: route('probeConnectivity', (doing) => doing.probeConnectivity),
      finetuneModel: route('finetuneModel', (doing) => doing.finetuneModel),
      concludeTraining: route('concludeTraining', (doing) => doing.concludeTraining),
      differenceModel: route('differenceModel', (doing) => doing.differenceModel),
      judgeCandidate: route('judgeCandidate', (doing) => doing.judgeCandidate),
      publishModel: route('publishModel', (doing) => doing.publishModel),
      rollBack: route('rollBack', (doing) => doing.rollBack),
      recordRun: route('recordRun', (doing) => doing.recordRun),
      concludeRelease: route('concludeRelease', (doing) => doing.concludeRelease),
    };
  }
}

/** A failure as the rim of our activities makes it. */
export function failure(code: string, options: { readonly retryable: boolean }): ApplicationFailure {
  return ApplicationFailure.create({ type: code, message: `${code} on purpose`, nonRetryable: !options.retryable });
}

function usualActivities(door: LineageDoor, source: () => readonly string[]): Activities {
  return {
    async findReleases({ lineage, family, only, backfill }) {
      const listed = source().map((name) => ({ name, version: `version of ${name}` }));
      const known = await door.knownReleases(lineage);
      if (only !== undefined) return inOrder(listed, family).filter(({ name }) => name === only);
      return chooseReleases({ listed, known, family, ...(backfill !== undefined && { backfill }) }).fresh;
    },
    async pinRelease({ name, position, backfill }) {
      const pinned = { name, position, uri: `file:///models/family/${name}`, digest: digestOf(name), firstSeenAt: AT };
      return { ...pinned, ...(backfill === true && { backfill }) };
    },
    async announceRelease({ lineage, release }) {
      try {
        await door.observeRelease(lineage, release);
        return undefined;
      } catch (error) {
        throw toFailure(error);
      }
    },
    async inspectRelease({ source }) {
      return { parameterCount: 1000, tunedDigest: source === null ? null : digestOf(`behind ${source.deltaDigest}`) };
    },
    async recycleModel({ target, delta, scale = 1 }) {
      return { modelDigest: digestOf(`${target} + ${scale === 1 ? '' : String(scale)}${delta}`) };
    },
    async evaluateModel({ step, suite }) {
      return makeScore({ suite: suite.name, score: 0.5 + step / 1000, lossNats: 1 - step / 1000 });
    },
    async finetuneModel({ startModel, finetune }) {
      const checkpoints = [];
      for (const step of checkpointSteps(finetune)) checkpoints.push(await announce(door, startModel, step));
      return outcomeOf(checkpoints);
    },
    async differenceModel({ tuned, base }) {
      return { deltaDigest: digestOf(`${tuned} - ${base}`), norm: 1.5 };
    },
    async probeConnectivity() {
      return {
        recordDigest: digestOf('connectivity'),
        barriersNats: { bases: 0.01, tuned: 0.02 },
        drift: { norm: 3, relativeNorm: 0.3, deltaNorm: 1.5, cosine: 0.1 },
      };
    },
    async concludeTraining({ startModel }) {
      return outcomeOf([checkpointOf(startModel, 50)]);
    },
    async judgeCandidate(input) {
      return scriptedDecision(input);
    },
    async publishModel({ release, candidate, targets }) {
      const candidateDigest = candidate.modelDigest;
      return targets.map(({ folder }) => ({
        target: folder,
        release: release.name,
        candidateDigest,
        previousDigest: null,
        publishedAt: AT,
      }));
    },
    async rollBack({ from, to }) {
      return { recordDigest: digestOf(`rollback from ${from.release} to ${to.release}`) };
    },
    async recordRun({ key, record }) {
      runRecordSchema.parse({ schema: 'regraft.run/1', ...record, regraftVersion: '0.1.0' });
      return { recordDigest: digestOf(`record of ${key.release} ${key.arm}`) };
    },
    async concludeRelease({ release }) {
      return { recordDigest: digestOf(`record of ${release.name}`) };
    },
  };
}

/** By the scores alone: statistics need samples, and are tested where they are. */
function scriptedDecision({ candidate, references, gate }: Parameters<Activities['judgeCandidate']>[0]): GateDecision {
  const worse = references.flatMap((reference) => {
    if (!('suites' in reference)) return [];
    return Object.entries(gate?.nonInferior ?? {}).filter(([suite, margin]) => {
      const score = (suites: readonly SuiteScore[]): number => suites.find((one) => one.suite === suite)?.score ?? 0;
      return score(candidate.suites) < score(reference.suites) - margin;
    });
  });
  return worse.length === 0
    ? makeDecision({ sentence: 'passed: as scripted' })
    : makeDecision({ decision: 'reject', sentence: 'rejected: as scripted' });
}

type Outcome = Awaited<ReturnType<Activities['finetuneModel']>>;
type Checkpoint = Outcome['checkpoints'][number];

/** Where a training that goes well saves; `auto` is no more often than it has to. */
export function checkpointSteps({ steps, saveEvery }: FinetuneSpec): readonly number[] {
  const every = saveEvery === 'auto' ? steps : saveEvery;
  return Array.from({ length: Math.floor(steps / every) }, (_, index) => (index + 1) * every);
}

/** A checkpoint's model: the same for the same start and step. */
export function checkpointOf(startModel: string, step: number): Checkpoint {
  return { step, modelDigest: digestOf(`${startModel} after ${String(step)} steps`) };
}

/** Tells the run that this activity belongs to. */
export async function announce(door: LineageDoor, startModel: string, step: number): Promise<Checkpoint> {
  const checkpoint = checkpointOf(startModel, step);
  const { workflowId = '', runId = '' } = Context.current().info.workflowExecution ?? {};
  await door.announceCheckpoint(workflowId, runId, { ...checkpoint, trainedSeconds: 0.6 * step });
  return checkpoint;
}

export function outcomeOf(checkpoints: readonly Checkpoint[], starts: Outcome['starts'] = []): Outcome {
  return {
    starts: starts.length === 0 ? [{ how: 'started', atStep: 0 }] : starts,
    attempts: [makeAttemptSummary()],
    stepsLost: 0,
    continuity: 'nothing to compare',
    stepsDone: checkpoints.at(-1)?.step ?? 0,
    trainedSeconds: 60,
    checkpoints: [...checkpoints],
    curveDigest: digestOf('curve'),
    datasetDigest: digestOf('dataset'),
    jobDigest: digestOf('job'),
  };
}
