import { startUp } from '../../workers/up.ts';
import type { Command } from '../command.ts';
import { LAST_PORT, wholeNumber } from '../numbers.ts';
import { interrupted } from '../interrupted.ts';

export const up: Command = {
  name: 'up',
  summary: 'Start everything on this machine: Temporal (unless TEMPORAL_ADDRESS is set), workers, metrics',
  positionals: [],
  options: {
    slots: { type: 'string', value: 'N', help: 'trainings at a time', default: '1' },
    'metrics-port': {
      type: 'string',
      value: 'PORT',
      help: 'port of /metrics and /healthz; 0 takes a free one',
      default: '7273',
    },
  },
  examples: ['regraft up', 'regraft up --slots 2 --metrics-port 9100', 'TEMPORAL_ADDRESS=temporal:7233 regraft up'],
  async run(context) {
    const { home, environment, say } = context;
    const running = await startUp({
      home,
      environment,
      gpuSlots: wholeNumber(context, 'slots', 1),
      metricsPort: wholeNumber(context, 'metrics-port', 0, LAST_PORT),
      say,
    });
    context.answer('Everything is up; Ctrl-C stops it. `regraft apply configs/demo.yaml` creates a lineage.', {
      metricsUrl: running.metricsUrl,
      temporalUiUrl: running.temporalUiUrl,
    });
    await interrupted();
    say('Stopping; a training in flight goes on by itself and is adopted at the next start.');
    await running.stop();
  },
};
