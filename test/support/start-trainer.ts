import { createLocalTrainerHost } from '../../adapters/trainer/local-trainer-host.ts';
import type { TrainerJob } from '../../activities/ports.ts';

// A worker in small: starts a trainer and stays until it is killed. The job is the test's own. Usage: start-trainer.ts FOLDER SCRIPT JOB
const [folder = '', script = '', job = '{}'] = process.argv.slice(2);
const host = createLocalTrainerHost({
  command: [process.execPath, script],
  environment: { PATH: process.env['PATH'] ?? '' },
});
await host.start(folder, JSON.parse(job) as TrainerJob);
console.log('started');
setInterval(() => undefined, 1000);
