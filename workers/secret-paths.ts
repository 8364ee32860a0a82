import type { DataReader } from '../activities/ports.ts';
import type { Deps } from './deps.ts';
import type { Secrets } from './secrets.ts';

/**
 * Ports that know what `secret://NAME` in a spec stands for: suites and datasets are read, and trainers are told, by the
 * value; everybody else, and the run's record, has the name only.
 */
export function withSecrets(deps: Deps, secrets: Secrets): Deps {
  const { data, trainers } = deps;
  return {
    ...deps,
    data: readRevealed(data, secrets),
    trainers: {
      ...trainers,
      start: async (launch, job, finetune) =>
        trainers.start(launch, job, { ...finetune, dataset: secrets.reveal(finetune.dataset) }),
    },
  };
}

/** Reads what `secret://NAME` stands for. */
export function readRevealed(data: DataReader, { reveal }: Secrets): DataReader {
  return {
    suite: async (spec) => data.suite({ ...spec, suite: reveal(spec.suite) }),
    datasetDigest: async (path) => data.datasetDigest(reveal(path)),
  };
}
