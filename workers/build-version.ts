import type { WorkerOptions } from '@temporalio/worker';

/** One build of the workflows, as Temporal's worker versioning names it. */
export interface BuildVersion {
  /** What all builds of this installation have in common. */
  readonly deployment: string;
  readonly buildId: string;
}

/**
 * Options of a worker for workflows. With a build, Temporal decides which build gets what: a run stays on the build that it
 * began on, a lineage moves to the current one (workflows/versioned.ts); a build gets nothing until it is made current
 * (docs/deployment.md). Without one, whoever asks gets work.
 */
export function versioningOf(build: BuildVersion | undefined): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  if (build === undefined) return {};
  return {
    workerDeploymentOptions: {
      version: { deploymentName: build.deployment, buildId: build.buildId },
      useWorkerVersioning: true,
      // Of a workflow that does not say: to stay where it is can never break it.
      defaultVersioningBehavior: 'PINNED',
    },
  };
}
