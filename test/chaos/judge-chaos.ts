/** What had to happen. */
export interface ExpectedChaos {
  /** In family order. */
  readonly releases: readonly { readonly name: string; readonly good: boolean }[];
  readonly arm: string;
  /** Of every training. */
  readonly steps: number;
}

export interface ObservedRelease {
  readonly name: string;
  readonly status: string;
  readonly recordDigest: string | null;
  readonly arms: readonly { readonly arm: string; readonly status: string; readonly recordDigest: string | null }[];
}

export interface ObservedRun {
  readonly digest: string;
  readonly release: string;
  readonly arm: string;
  readonly gate: string | null;
  readonly candidateDigest: string;
  /** Steps of the final curve, as they are written there. */
  readonly steps: readonly number[];
}

/** What was found when all was over. */
export interface ObservedChaos {
  /** As the lineage tells them. */
  readonly releases: readonly ObservedRelease[];
  /** Every record of a run, and of a release, in the store. */
  readonly runs: readonly ObservedRun[];
  readonly releaseRecords: readonly { readonly digest: string; readonly release: string }[];
  readonly trainingFolders: readonly { readonly release: string; readonly name: string }[];
  /** Digest of what is live, as each of the three that know it says. */
  readonly live: { readonly state: string | null; readonly ref: string | null; readonly alias: string | null };
  /** The skill of the model at the alias; null: there is none. */
  readonly liveSkill: number | null;
  /** Artifacts and blobs that nothing leads to, and those that something names and that are not there. */
  readonly unreferenced: readonly string[];
  readonly missing: readonly string[];
  /** Command lines of what still runs. */
  readonly processes: readonly string[];
  /** Files and folders that only somebody at work has. */
  readonly leftovers: readonly string[];
}

/** Holds what was found against what had to happen; one sentence for each promise that was broken. */
export function judgeChaos(expected: ExpectedChaos, observed: ObservedChaos): readonly string[] {
  return [
    ...judgeOutcomes(expected, observed),
    ...judgeRecords(expected, observed),
    ...judgeTrainings(expected, observed),
    ...judgeLive(expected, observed),
    ...observed.unreferenced.map((name) => `${name} is in the store and nothing leads to it.`),
    ...observed.missing.map((name) => `${name} is named in the store and not there.`),
    ...observed.processes.map((line) => `A process is left: ${line}`),
    ...observed.leftovers.map((name) => `${name} is left of work that is over.`),
  ];
}

function judgeOutcomes({ releases, arm }: ExpectedChaos, observed: ObservedChaos): readonly string[] {
  const wanted = releases.map(({ name }) => name).join(', ');
  const found = observed.releases.map(({ name }) => name).join(', ');
  const order = wanted === found ? [] : [`The lineage has the releases ${found || 'none'}, expected ${wanted}.`];
  const outcomes = observed.releases.flatMap(({ name, status, arms, recordDigest }) => {
    const ended = arms.map((one) => `${one.arm} ${one.status}`).join(', ');
    if (status === 'succeeded' && ended === `${arm} succeeded` && recordDigest !== null) return [];
    const record = recordDigest === null ? 'no record' : 'a record';
    return [`${name} is ${status} (${ended || 'no arm'}) with ${record}, expected one outcome: ${arm} succeeded.`];
  });
  return [...order, ...outcomes];
}

function judgeRecords({ releases }: ExpectedChaos, observed: ObservedChaos): readonly string[] {
  return releases.flatMap(({ name }) => {
    const state = observed.releases.find((release) => release.name === name);
    const runs = observed.runs.filter(({ release }) => release === name).map(({ digest }) => digest);
    const records = observed.releaseRecords.filter(({ release }) => release === name).map(({ digest }) => digest);
    return [
      ...differ(`${name}: its run records`, runs, state?.arms.map(({ recordDigest }) => recordDigest) ?? []),
      ...differ(`${name}: its release records`, records, [state?.recordDigest ?? null]),
    ];
  });
}

/** In the store must be what the lineage's state names, once, and nothing else. */
function differ(what: string, stored: readonly string[], named: readonly (string | null)[]): readonly string[] {
  if (stored.length === named.length && stored.every((digest) => named.includes(digest))) return [];
  return [`${what} are ${short(stored)} in the store, ${short(named)} in the lineage's state, expected the same one.`];
}

function judgeTrainings({ releases, steps }: ExpectedChaos, observed: ObservedChaos): readonly string[] {
  const folders = releases.flatMap(({ name }) => {
    const count = observed.trainingFolders.filter(({ release }) => release === name).length;
    return count === 1 ? [] : [`${name} has ${String(count)} training folders, expected 1.`];
  });
  const whole = Array.from({ length: steps }, (_, index) => index + 1).join(' ');
  const curves = observed.runs.flatMap((run) => {
    const found = run.steps.join(' ');
    return found === whole ? [] : [`The curve of ${run.release} has the steps ${found || 'none'}, expected ${whole}.`];
  });
  return [...folders, ...curves];
}

function judgeLive({ releases }: ExpectedChaos, observed: ObservedChaos): readonly string[] {
  const gates = releases.flatMap(({ name, good }) => {
    const wanted = good ? 'pass' : 'reject';
    const found = observed.runs.find(({ release }) => release === name)?.gate ?? 'absent';
    return found === wanted ? [] : [`The gate of ${name} is ${found}, expected ${wanted}.`];
  });
  const newest = releases.filter(({ good }) => good).at(-1)?.name ?? null;
  const wanted = observed.runs.find(({ release }) => release === newest)?.candidateDigest ?? null;
  const places = Object.entries(observed.live).flatMap(([place, digest]) => {
    if (digest === wanted) return [];
    return [
      `By its ${place} ${short([digest])} is live, expected ${short([wanted])}, the candidate of ${newest ?? 'nothing'}.`,
    ];
  });
  return [...gates, ...places, ...judgeSkill(releases, observed)];
}

/** A base has the skill 1, every good fine-tune adds 1 and hands on what was added before it. */
function judgeSkill(releases: ExpectedChaos['releases'], { liveSkill }: ObservedChaos): readonly string[] {
  const wanted = 1 + releases.filter(({ good }) => good).length;
  if (liveSkill === wanted) return [];
  return [`The live model has the skill ${String(liveSkill)}, expected ${String(wanted)} as without any disturbance.`];
}

function short(digests: readonly (string | null)[]): string {
  if (digests.length === 0) return 'none';
  return digests.map((digest) => digest?.slice(0, 12) ?? 'nothing').join(', ');
}
