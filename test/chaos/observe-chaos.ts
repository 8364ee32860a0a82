import { readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { createFsArtifactStore } from '../../adapters/store/fs-artifact-store.ts';
import { isErrno } from '../../adapters/store/atomic-file.ts';
import { releaseRecordSchema, runRecordSchema } from '../../contracts/run-record.schema.ts';
import type { LineageState } from '../../contracts/lineage-state.ts';
import { processesOf } from '../support/processes-of.ts';
import { NAME, type ChaosPlace } from './chaos-place.ts';
import type { ObservedChaos, ObservedRelease, ObservedRun } from './judge-chaos.ts';
import { walkStore } from './walk-store.ts';

const curveSchema = z.array(z.object({ step: z.int() }));
/** As everything that is written beside its place, or held while somebody is at work, is called. */
const UNFINISHED = /(^|\.)(partial|incoming|stale|lock)(-|$)|^\.(current|previous)-/;

/** Looks at all that is left. `state` is what the lineage told before its server was ended. */
export async function observeChaos(place: ChaosPlace, state: LineageState): Promise<ObservedChaos> {
  const store = createFsArtifactStore(place.store);
  const records = await readRecords(place.store);
  const runs = records.flatMap(({ digest, value }) => {
    const { success, data } = runRecordSchema.safeParse(value);
    return success ? [{ digest, record: data }] : [];
  });
  const releaseRecords = records.flatMap(({ digest, value }) => {
    const { success, data } = releaseRecordSchema.safeParse(value);
    return success ? [{ digest, release: data.release.name }] : [];
  });
  const alias = await aliasOf(place.target);
  const processes = await Promise.all((await processesOf(place.root)).map(commandLine));
  return {
    releases: state.releases.map(toRelease),
    runs: await Promise.all(
      runs.map(async ({ digest, record }): Promise<ObservedRun> => {
        const { release, arm, gate, candidateDigest, training } = record;
        const curve = training === null ? [] : curveSchema.parse(await store.getRecord(training.curveDigest));
        const steps = curve.map(({ step }) => step);
        return { digest, release: release.name, arm, gate: gate?.decision ?? null, candidateDigest, steps };
      }),
    ),
    releaseRecords,
    trainingFolders: await trainingFolders(path.join(place.home, 'work', 'training', NAME)),
    live: {
      state: state.published?.candidateDigest ?? null,
      ref: await store.readRef(`published/${NAME}`),
      alias: alias === null ? null : path.basename(alias),
    },
    liveSkill: alias === null ? null : await skillOf(path.join(place.target, alias)),
    ...(await walkStore(place.store, digestsOf(state))),
    processes: processes.filter((line) => line !== ''),
    leftovers: await leftovers(place),
  };
}

function toRelease({ release, status, arms, recordDigest }: LineageState['releases'][number]): ObservedRelease {
  return {
    ...{ name: release.name, status, recordDigest },
    arms: arms.map(({ arm, status: armStatus, result }) => ({
      ...{ arm, status: armStatus, recordDigest: result?.recordDigest ?? null },
    })),
  };
}

/** The digests under which a lineage's state leads into the store. */
function digestsOf({ releases }: LineageState): readonly string[] {
  return releases.flatMap(({ recordDigest, arms }) =>
    [recordDigest, ...arms.map(({ result }) => result?.recordDigest ?? null)].filter((digest) => digest !== null),
  );
}

async function readRecords(store: string): Promise<readonly { readonly digest: string; readonly value: unknown }[]> {
  const entries = await readdir(path.join(store, 'records'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && /^[0-9a-f]{64}\.json$/.test(entry.name));
  return Promise.all(
    files.map(async ({ parentPath, name }) => ({
      digest: name.slice(0, 64),
      value: JSON.parse(await readFile(path.join(parentPath, name), 'utf8')) as unknown,
    })),
  );
}

/** `work/training/<lineage>/<release>/<training>`. */
async function trainingFolders(root: string): Promise<readonly { readonly release: string; readonly name: string }[]> {
  const releases = await readdir(root);
  const found = await Promise.all(
    releases.map(async (release) => (await readdir(path.join(root, release))).map((name) => ({ release, name }))),
  );
  return found.flat();
}

/** Where the alias leads, relative to its folder; null: nothing is live. */
async function aliasOf(target: string): Promise<string | null> {
  try {
    return await readlink(path.join(target, 'current'));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

/** The last value of the model's one tensor, whatever its dtype's rounding left behind the point. */
async function skillOf(model: string): Promise<number> {
  const bytes = await readFile(path.join(model, 'model.safetensors'));
  return bytes.readFloatLE(bytes.length - 4);
}

async function commandLine(pid: number): Promise<string> {
  try {
    return (await readFile(`/proc/${String(pid)}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim();
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ESRCH')) return ''; // it has just ended
    throw error;
  }
}

/** Below everything but the machine's own temporary folder, which a killed worker leaves to the machine. */
async function leftovers(place: ChaosPlace): Promise<readonly string[]> {
  const folders = [place.home, place.target];
  const entries = await Promise.all(folders.map((folder) => readdir(folder, { recursive: true, withFileTypes: true })));
  const unfinished = entries.flat().filter(({ name }) => UNFINISHED.test(name));
  return unfinished.map(({ name, parentPath }) => path.relative(place.root, path.join(parentPath, name)));
}
