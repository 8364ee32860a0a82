import { createLocalLauncher } from '../../adapters/trainer/local-launcher.ts';

// A worker in small: starts a trainer and stays until it is killed. The folder has all that a launch needs.
// Usage: start-trainer.ts FOLDER TOKEN SCRIPT
const [folder = '', token = '', script = ''] = process.argv.slice(2);
const launcher = createLocalLauncher({ gpus: { take: () => Promise.resolve({}) }, gpusWanted: 0 });
await launcher.start(
  { folder, token },
  {
    command: [process.execPath, script, folder],
    environment: { PATH: process.env['PATH'] ?? '' },
    leaseSeconds: 600,
  },
);
console.log('started');
setInterval(() => undefined, 1000);
