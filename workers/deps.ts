import path from 'node:path';
import packageJson from '../package.json' with { type: 'json' };
import type { EvaluateDeps } from '../activities/evaluate.ts';
import type { ModelDeps } from '../activities/model.ts';
import type { PublishDeps } from '../activities/publish.ts';
import type { RecordDeps } from '../activities/record.ts';
import type { ReleaseDeps } from '../activities/release.ts';
import type { TrainDeps } from '../activities/train.ts';
import { createFileDataReader } from '../adapters/data/file-data-reader.ts';
import { createOnnxEvaluator } from '../adapters/evaluate/onnx-evaluator.ts';
import { createFolderPublisher } from '../adapters/publish/folder-publisher.ts';
import { createFolderSource } from '../adapters/source/folder-source.ts';
import { createFsArtifactStore } from '../adapters/store/fs-artifact-store.ts';
import { createSystemClock } from '../adapters/system-clock.ts';
import { createLocalTrainerHost } from '../adapters/trainer/local-trainer-host.ts';
import { openFsWorkspace } from '../adapters/workspace/fs-workspace.ts';
import type { Lineages } from '../client/lineages.ts';
import type { Metrics } from '../metrics/registry.ts';
import { createLineageDoor } from './lineage-door.ts';
import { PROJECT_ROOT, trainerEnvironment, type WorkerSettings } from './settings.ts';

/** All ports, made real. */
export type Deps = ReleaseDeps & ModelDeps & TrainDeps & EvaluateDeps & PublishDeps & RecordDeps;

/** Composes a worker's adapters: the one place where configuration meets means. */
export async function createDeps(settings: WorkerSettings, lineages: Lineages, metrics: Metrics): Promise<Deps> {
  const { home, python, environment } = settings;
  return {
    store: createFsArtifactStore(path.join(home, 'store')),
    workspace: await openFsWorkspace(path.join(home, 'work')),
    source: createFolderSource(),
    trainers: createLocalTrainerHost({
      command: [python, '-m', 'regraft_trainer'],
      environment: { ...trainerEnvironment(environment), PYTHONPATH: path.join(PROJECT_ROOT, 'trainer', 'src') },
    }),
    data: createFileDataReader(),
    evaluator: createOnnxEvaluator({ threads: 1 }),
    publisher: createFolderPublisher(),
    door: createLineageDoor(lineages),
    clock: createSystemClock(),
    metrics,
    regraftVersion: packageJson.version,
  };
}
