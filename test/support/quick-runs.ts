import type { RunInput, RunResult } from '../../contracts/run.ts';

export { lineage } from '../../workflows/lineage.ts';
export { watchFamily } from '../../workflows/watch-family.ts';

/** A run that comes out well at once, in a bundle with the real lineage: what a lineage itself costs can be measured by it. */
export async function recycleRun({ release, source, production, spec }: RunInput): Promise<RunResult> {
  const digest = (kind: string): string => `${kind}${String(release.position[0] ?? 0)}`.padStart(64, '0');
  const point = { step: spec.finetune.steps, score: 0.9, lossNats: 0.1 };
  const candidateDigest = digest('ca');
  return {
    recordDigest: digest('ec'),
    startModelDigest: digest('ad'),
    candidateDigest,
    deltaDigest: digest('de'),
    best: point,
    final: point,
    stepsInDelta: (source?.steps ?? 0) + point.step,
    published: production ? { release: release.name, candidateDigest, suites: [] } : null,
    gateSentence: 'passed: as scripted',
    training: { attempts: 1, stepsLost: 0, continuity: 'nothing to compare' },
    deltaNorm: 1.5,
    spent: { steps: point.step, trainedSeconds: 60, gpuSeconds: 60 },
  };
}
