import { mkdtemp, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { readSuite } from '../adapters/data/read-suite.ts';
import { createEvaluators } from '../adapters/evaluate/evaluators.ts';
import { openFsWorkspace } from '../adapters/workspace/fs-workspace.ts';
import type { Suite } from '../activities/ports.ts';
import { RegraftError } from '../contracts/error.ts';
import type { HarnessIdentity, SampleResult } from '../contracts/evaluation.schema.ts';
import type { HarnessName } from '../contracts/suite.schema.ts';
import { meanResults } from '../policy/mean-results.ts';
import { bootstrapLower, bootstrapMean, bootstrapUpper } from '../policy/statistics/bootstrap.ts';
import { wilsonInterval } from '../policy/statistics/proportion.ts';
import { randomState } from '../policy/statistics/random.ts';
import { findEvaluationPython, trainerEnvironment } from './settings.ts';

export interface EvaluateRequest {
  /** Model folder. */
  readonly model: string;
  /** Suite folder, or a .jsonl or .txt file. */
  readonly suite: string;
  /** What the suite has to be for; whatever it says unless given. */
  readonly harness?: HarnessName | undefined;
  readonly limit?: number | undefined;
  readonly threads: number;
  readonly batchTokens?: number | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/** A model folder on a suite. */
export interface EvaluatedFolder {
  readonly model: string;
  readonly suite: Suite;
  readonly harness: HarnessIdentity;
  readonly score: number;
  /** Two-sided 95 % interval of the score; null where all outcomes are the same number. */
  readonly interval: ScoreInterval | null;
  /** Nats a reference answer token; null where the harness does not say. */
  readonly lossNats: number | null;
  readonly samples: readonly SampleResult[];
}

export interface ScoreInterval {
  readonly low: number;
  readonly high: number;
  /** `wilson` where every outcome is 0 or 1 and counts alike. */
  readonly method: 'wilson' | 'bca bootstrap';
}

/** Each side; 95 % for both. */
const ALPHA = 0.025;
const RESAMPLES = 2000;

/**
 * Scores a model folder on a suite: no server, no store, nothing kept.
 *
 * Errors: EVALUATE_MODEL_MISSING, SUITE_INVALID, EVALUATE_*, INFERENCE_*; the signal's reason when it is aborted.
 */
export async function evaluateFolder(request: EvaluateRequest): Promise<EvaluatedFolder> {
  const suite = await readSuite({ path: request.suite, harness: request.harness, limit: request.limit });
  await assertModel(request.model);
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'regraft-evaluate-'));
  try {
    return await evaluateIn(scratch, suite, request);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function evaluateIn(folder: string, suite: Suite, request: EvaluateRequest): Promise<EvaluatedFolder> {
  const { model, environment, threads, batchTokens, signal, onProgress } = request;
  const evaluators = createEvaluators({
    threads,
    batchTokens,
    python: findEvaluationPython(environment),
    environment: trainerEnvironment(environment),
    scratch: await openFsWorkspace(folder),
  });
  const evaluator = evaluators[harnessOf(suite)];
  const harness = await evaluator.identity(suite);
  const samples = await evaluator.evaluate({ modelFolder: model, suite, signal, onProgress });
  return { model, suite, harness, samples, interval: intervalOf(samples, suite.digest), ...meanResults(samples) };
}

async function assertModel(folder: string): Promise<void> {
  const found = await stat(path.join(folder, 'config.json')).catch(() => null);
  if (found?.isFile() === true) return;
  throw new RegraftError(
    'EVALUATE_MODEL_MISSING',
    `Model ${folder}: there is no config.json in it, expected a folder with config.json, tokenizer.json and safetensors files.`,
  );
}

function harnessOf({ kind }: Suite): HarnessName {
  return kind === 'samples' || kind === 'text' ? 'onnx' : kind;
}

function intervalOf(samples: readonly SampleResult[], seed: string): ScoreInterval | null {
  const values = Float64Array.from(samples, ({ outcome }) => outcome);
  const weights = Float64Array.from(samples, ({ weight }) => weight);
  if (samples.every(({ outcome, weight }) => (outcome === 0 || outcome === 1) && weight === 1)) {
    const right = values.filter((value) => value === 1).length;
    return { ...wilsonInterval(right, values.length, ALPHA), method: 'wilson' };
  }
  if (values.every((value) => value === values[0])) return null;
  const bootstrap = bootstrapMean({ values, weights }, RESAMPLES, randomState(seed));
  return { low: bootstrapLower(bootstrap, ALPHA), high: bootstrapUpper(bootstrap, ALPHA), method: 'bca bootstrap' };
}
