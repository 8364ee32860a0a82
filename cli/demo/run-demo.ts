import os from 'node:os';
import path from 'node:path';
import { loadLineageSpec } from '../../configs/load.ts';
import type { LineageSpec } from '../../contracts/lineage-spec.schema.ts';
import type { LineageState } from '../../contracts/lineage-state.ts';
import { PROJECT_ROOT } from '../../workers/settings.ts';
import { startUp, type Up } from '../../workers/up.ts';
import { InterruptedError, type CommandContext } from '../command.ts';
import { interrupted } from '../interrupted.ts';
import { orderOf, withLineages } from '../with-lineages.ts';
import { followLineage } from './follow-lineage.ts';
import { DEMO_SIZES, makeTask, startPretraining, type DemoSize, type LabEvent } from './lab.ts';
import type { Progress } from './progress.ts';

export interface DemoOptions {
  readonly size: DemoSize;
  readonly metricsPort: number;
}

export interface DemoOutcome {
  readonly spec: LineageSpec;
  readonly state: LineageState;
}

/**
 * Starts everything, declares the demo's lineage, starts the pretraining that releases bases, and follows the lineage to
 * its last release. Everything it does goes through the product's own doors; run again, it goes on where it was.
 *
 * @throws InterruptedError INTERRUPTED on SIGINT or SIGTERM, with everything stopped and kept
 */
export async function runDemo(context: CommandContext, options: DemoOptions, progress: Progress): Promise<DemoOutcome> {
  const { home, environment } = context;
  const { size, metricsPort } = options;
  const stopping = new AbortController();
  void interrupted().then(() => {
    stopping.abort();
  });
  const spec = await loadLineageSpec(path.join(PROJECT_ROOT, 'configs', DEMO_SIZES[size].lineage), home);
  await makeTask({ home, size, environment });
  // One training a core, and the pretraining beside them: what is idle while Python starts is used.
  const gpuSlots = os.availableParallelism();
  const say = (line: string): void => {
    progress.event(line);
  };
  const up = await startUp({ home, environment, gpuSlots, metricsPort, say });
  try {
    return { spec, state: await runLineage(context, { spec, size, up }, progress, stopping.signal) };
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
    throw new InterruptedError('INTERRUPTED', `The demo was interrupted; the same command goes on from here.`);
  } finally {
    progress.end();
    await up.stop();
  }
}

async function runLineage(
  context: CommandContext,
  demo: { readonly spec: LineageSpec; readonly size: DemoSize; readonly up: Up },
  progress: Progress,
  signal: AbortSignal,
): Promise<LineageState> {
  const { home, environment } = context;
  const { spec, size, up } = demo;
  const order = { ...orderOf(context), reason: 'the demo' };
  await withLineages(context, (lineages) => lineages.apply(spec, order));
  progress.event(`Lineage ${spec.name} is declared: ${[spec.strategy, ...spec.controls].join(', ')}`);

  const following = new AbortController();
  const pretraining = startPretraining({ home, size, environment }, (event) => {
    const line = labLine(event);
    if (line !== null) progress.event(line);
  });
  const releases = DEMO_SIZES[size].releases.map((_, index) => `M${String(index + 1)}`);
  try {
    const followed = followLineage(
      context,
      { name: spec.name, releases, metricsUrl: up.metricsUrl },
      progress,
      AbortSignal.any([signal, following.signal]),
    );
    // A lab that fails ends the demo at once: its releases would be waited for in vain.
    const failed = pretraining.finished.then(() => new Promise<never>(() => undefined));
    return await Promise.race([followed, failed]);
  } finally {
    following.abort();
    await pretraining.stop();
  }
}

function labLine(event: LabEvent): string | null {
  if (event.event !== 'release') return null;
  return `the lab drops ${event.release} after ${String(event.step)} steps of pretraining, loss ${event.lossNats.toFixed(3)}`;
}
