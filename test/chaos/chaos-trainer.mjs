import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';

// A trainer that keeps docs/trainer-contract.md on models of one tensor `w` = [release, skill]: `steps` steps add 1 to the
// skill. What it makes depends on the start model and the step alone, so that any two attempts agree to the bit.
const [milliseconds, folder] = process.argv.slice(2);
const job = () => JSON.parse(readFileSync(path.join(folder, 'job.json'), 'utf8'));
const { attempt, model, resumeFrom, recipe } = job();
const { steps, saveEvery } = recipe;
const start = readFileSync(path.join(model, 'model.safetensors'));
const skillAt = start.length - 4; // the last of its float32 values

let told = false;
process.on('SIGTERM', () => {
  told = true;
});
rmSync(path.join(folder, 'error.json'), { force: true });

/** Nothing is written once job.json names another attempt. */
function passFence() {
  if (job().attempt !== attempt) process.exit(76);
}

function save(step) {
  const name = `checkpoint-${step}`;
  const partial = path.join(folder, '.partial', `attempt-${attempt}`, name);
  mkdirSync(partial, { recursive: true });
  mkdirSync(path.join(folder, 'checkpoints'), { recursive: true });
  const weights = Buffer.from(start);
  weights.writeFloatLE(start.readFloatLE(skillAt) + step / steps, skillAt);
  const state = Buffer.from(`after step ${step}`);
  const files = {};
  for (const [file, bytes] of [
    ['model.safetensors', weights],
    ['config.json', readFileSync(path.join(model, 'config.json'))],
    ...['optimizer.pt', 'scheduler.pt', 'rng_state.pth', 'trainer_state.json'].map((file) => [file, state]),
  ]) {
    writeFileSync(path.join(partial, file), bytes);
    files[file] = { sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  }
  const marker = { schema: 'regraft.checkpoint/1', step, attempt, files };
  writeFileSync(path.join(partial, 'COMPLETE'), JSON.stringify(marker));
  passFence();
  const target = path.join(folder, 'checkpoints', name);
  rmSync(target, { recursive: true, force: true });
  renameSync(partial, target);
}

for (let step = 1 + Number(resumeFrom?.split('-').at(-1) ?? 0); step <= steps; step += 1) {
  await setTimeout(Number(milliseconds));
  const values = { lossNats: 1 / step, learningRate: 1e-3, gradientNorm: 1, stepSeconds: 0.001, tokensSeen: step * 8 };
  passFence();
  appendFileSync(path.join(folder, 'metrics.jsonl'), `${JSON.stringify({ attempt, step, ...values, time: '' })}\n`);
  if (told || step === steps || step % saveEvery === 0) save(step);
  if (told && step < steps) process.exit(75);
}
rmSync(path.join(folder, '.partial'), { recursive: true, force: true });
