import type { Metrics } from '../../metrics/registry.ts';

/** Gives every metric of the catalogue one sample, as a run that went well would. */
export function recordOneSampleEach(metrics: Metrics): void {
  const run = { lineage: 'math', release: 'M2', arm: 'iterative' } as const;
  const lineage = { lineage: 'math' };
  metrics.trainLossNats.set(run, 1.25);
  metrics.trainStep.set(run, 40);
  metrics.trainStepsPlanned.set(run, 80);
  metrics.trainLearningRate.set(run, 5e-4);
  metrics.trainGradientNorm.set(run, 0.7);
  metrics.trainStepSeconds.set(run, 0.05);
  metrics.trainTokensSeen.set(run, 4096);
  metrics.evaluationScore.set({ ...run, suite: 'addition' }, 0.5);
  metrics.evaluationLossNats.set({ ...run, suite: 'addition' }, 0.9);
  metrics.evaluationStep.set({ ...run, suite: 'addition' }, 40);
  metrics.bestScore.set(run, 0.75);
  metrics.stepsToTarget.set({ ...run, against: 'plain' }, 20);
  metrics.stepsSavedRatio.set({ ...run, against: 'plain' }, 3);
  metrics.convergenceState.set({ ...run, state: 'improving' }, 1);
  metrics.earlyStopStepsSaved.set(run, 40);
  metrics.connectivityBarrierNats.set({ ...run, line: 'bases' }, 0.02);
  metrics.baseDriftRatio.set(run, 0.3);
  metrics.baseDriftCosine.set(run, -0.05);
  metrics.deltaNorm.set(run, 12.5);
  metrics.trainingStarts.increment({ ...lineage, arm: 'iterative', how: 'resumed' });
  metrics.trainingEnds.increment({ ...lineage, arm: 'iterative', end: 'done' });
  metrics.trainingContinuity.increment({ ...lineage, arm: 'iterative', verdict: 'verified' });
  metrics.staleWritesRefused.increment({ ...lineage, arm: 'iterative' });
  metrics.trainMemoryBytes.set(run, 1e9);
  metrics.runStageSeconds.observe({ ...lineage, arm: 'iterative', stage: 'finetune' }, 45);
  metrics.runStage.set({ ...run, stage: 'finetune' }, 1);
  metrics.runs.increment({ ...lineage, arm: 'iterative', outcome: 'succeeded' });
  metrics.releasesObserved.increment(lineage);
  metrics.releaseLagSeconds.set({ ...lineage, release: 'M2' }, 60);
  metrics.publications.increment(lineage);
  metrics.rollbacks.increment(lineage);
  metrics.gateDecisions.increment({ ...lineage, decision: 'pass' });
  metrics.lineagePaused.set(lineage, 0);
  metrics.coreScrapeOk.set({}, 1);
}
