import os from 'node:os';
import path from 'node:path';
import packageJson from '../package.json' with { type: 'json' };
import type { EvaluateDeps } from '../activities/evaluate.ts';
import type { ModelDeps } from '../activities/model.ts';
import type { ProbeDeps } from '../activities/probe.ts';
import type { PublishDeps } from '../activities/publish.ts';
import type { RecordDeps } from '../activities/record.ts';
import type { ReleaseDeps } from '../activities/release-pins.ts';
import type { TrainDeps } from '../activities/train.ts';
import { createFileDataReader } from '../adapters/data/file-data-reader.ts';
import { createEvaluators } from '../adapters/evaluate/evaluators.ts';
import { createFolderPublisher } from '../adapters/publish/folder-publisher.ts';
import { createReleaseSource, readSourceSettings } from '../adapters/source/release-source.ts';
import { createFsArtifactStore } from '../adapters/store/fs-artifact-store.ts';
import { createFsResumeStates } from '../adapters/store/fs-resume-states.ts';
import { createSystemClock } from '../adapters/system-clock.ts';
import { createGpuLeases } from '../adapters/trainer/gpu-leases.ts';
import type { Launcher } from '../adapters/trainer/launcher.ts';
import { createLocalLauncher, isLocalLaunchInUse } from '../adapters/trainer/local-launcher.ts';
import { createSlurmLauncher } from '../adapters/trainer/slurm-launcher.ts';
import { createTrainerHost } from '../adapters/trainer/trainer-host.ts';
import { openFsWorkspace } from '../adapters/workspace/fs-workspace.ts';
import { secondsOf } from '../contracts/duration.ts';
import type { LauncherSpec } from '../contracts/lineage-spec.schema.ts';
import type { Lineages } from '../client/lineages.ts';
import type { Metrics } from '../metrics/registry.ts';
import { createLineageDoor } from './lineage-door.ts';
import { findEvaluationPython, PROJECT_ROOT, trainerEnvironment, type WorkerSettings } from './settings.ts';

/** All ports, made real. */
export type Deps = ReleaseDeps & ModelDeps & ProbeDeps & TrainDeps & EvaluateDeps & PublishDeps & RecordDeps;

/** Composes a worker's adapters: the one place where configuration meets means. */
export async function createDeps(settings: WorkerSettings, lineages: Lineages, metrics: Metrics): Promise<Deps> {
  const { home, store, python, environment } = settings;
  const workspace = await openFsWorkspace(path.join(home, 'work'));
  return {
    store: createFsArtifactStore(store),
    states: createFsResumeStates(path.join(store, 'trainings')),
    workspace,
    source: createReleaseSource(readSourceSettings(environment)),
    trainers: createTrainerHost({
      launcherOf: launchers(settings),
      reference: {
        one: [python, '-m', 'regraft_trainer'],
        several: [python, '-m', 'regraft_trainer.launch'],
      },
      environmentOf: (asked) => ({
        ...trainerEnvironment(environment, asked),
        PYTHONPATH: path.join(PROJECT_ROOT, 'trainer', 'src'),
      }),
    }),
    holder: `${os.hostname()}/${String(process.pid)}`,
    data: createFileDataReader(),
    evaluators: createEvaluators({
      threads: 1,
      python: findEvaluationPython(environment),
      environment: trainerEnvironment(environment),
      scratch: workspace,
    }),
    publisher: createFolderPublisher(),
    door: createLineageDoor(lineages),
    clock: createSystemClock(),
    metrics,
    regraftVersion: packageJson.version,
  };
}

/** The means that a spec asks for. */
function launchers({ gpus, environment }: WorkerSettings): (spec: LauncherSpec) => Launcher {
  const leases = createGpuLeases({
    gpus,
    root: path.join(os.tmpdir(), `regraft-gpus-${String(process.getuid?.() ?? '')}`), // of the machine, not of one home
    isInUse: isLocalLaunchInUse,
    now: () => Date.now(),
  });
  return (spec) => {
    if ('local' in spec) return createLocalLauncher({ gpus: leases, gpusWanted: spec.local.gpus });
    const { timeLimit, signalBefore, ...resources } = spec.slurm;
    return createSlurmLauncher(
      {
        ...resources,
        ...(timeLimit !== undefined && { timeLimitSeconds: secondsOf(timeLimit) }),
        signalBeforeSeconds: secondsOf(signalBefore),
      },
      { environment },
    );
  };
}
