import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';

// A trainer that keeps docs/trainer-contract.md and learns nothing. Beside the contract's, its recipe has
// `stepMilliseconds`, `endWith` (an exit code) with `error` (its message) to give up after the last step, and
// `deaf`: told to stop, it leaves the file `told` and goes on.
const folder = process.argv.at(-1) ?? '';
const { attempt, resumeFrom, recipe } = JSON.parse(readFileSync(path.join(folder, 'job.json'), 'utf8'));
const { steps, saveEvery, stepMilliseconds = 0, endWith = 0, error, deaf = false } = recipe;

let told = false;
process.on('SIGTERM', () => {
  if (deaf) writeFileSync(path.join(folder, 'told'), '');
  else told = true;
});
process.on('SIGUSR1', () => console.error('stacks of all threads'));
rmSync(path.join(folder, 'error.json'), { force: true });
writeFileSync(path.join(folder, 'environment.json'), JSON.stringify(process.env));
console.error(`attempt ${attempt} begins`);

function save(step) {
  const name = `checkpoint-${step}`;
  const partial = path.join(folder, '.partial', name);
  mkdirSync(partial, { recursive: true });
  mkdirSync(path.join(folder, 'checkpoints'), { recursive: true });
  const files = {};
  for (const file of ['model.txt', 'optimizer.pt', 'scheduler.pt', 'rng_state.pth', 'trainer_state.json']) {
    const text = `${file} after step ${step}`;
    writeFileSync(path.join(partial, file), text);
    files[file] = { sizeBytes: text.length, sha256: createHash('sha256').update(text).digest('hex') };
  }
  writeFileSync(
    path.join(partial, 'COMPLETE'),
    JSON.stringify({ schema: 'regraft.checkpoint/1', step, attempt, files }),
  );
  renameSync(partial, path.join(folder, 'checkpoints', name));
}

const begin = resumeFrom === null ? 0 : Number(resumeFrom.split('-').at(-1));
for (let step = begin + 1; step <= steps; step += 1) {
  await setTimeout(stepMilliseconds);
  const values = { lossNats: 1 / step, learningRate: 1e-3, gradientNorm: 1, stepSeconds: 0.001, tokensSeen: step * 8 };
  appendFileSync(path.join(folder, 'metrics.jsonl'), `${JSON.stringify({ attempt, step, ...values, time: '' })}\n`);
  if (told || step === steps || step % saveEvery === 0) save(step);
  if (told && step < steps) process.exit(75);
}
if (error !== undefined)
  writeFileSync(path.join(folder, 'error.json'), JSON.stringify({ code: 'SCRIPTED', message: error }));
process.exit(endWith);
