import { RegraftError } from '../../contracts/error.ts';
import { toFailure } from '../../activities/rim.ts';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { maskingInterceptors } from '../../workers/masking-interceptor.ts';
import { readSecrets } from '../../workers/secrets.ts';
import { Fleet } from '../support/fleet.ts';
import { startTemporal } from '../support/temporal-server.ts';

const TOKEN = 'hf_ofTheEnvironment';
const ENVIRONMENT = { HF_TOKEN: TOKEN };

let env: TestWorkflowEnvironment;
beforeAll(async () => {
  env = await startTemporal();
});
afterAll(async () => {
  await env.teardown();
});

/** The history of a run one of whose activities answers, and one fails, with the token in all that it says. */
async function historyWith(name: string, environment: Readonly<Record<string, string>>): Promise<string> {
  const fleet = new Fleet(env);
  try {
    await fleet.startControl();
    await fleet.startOthers({ interceptors: maskingInterceptors(await readSecrets(environment)) });
    const script = await fleet.create(name);
    script.instead.evaluateModel = async (input) => {
      const score = await script.usual.evaluateModel(input);
      return { ...score, harness: `harness with ${TOKEN}` };
    };
    script.instead.judgeCandidate = () => {
      const cause = new Error(`401 for Bearer ${TOKEN}`);
      const details = { url: `https://hub/?token=${TOKEN}` };
      return Promise.reject(
        toFailure(new RegraftError('JUDGE_FAILED', `The hub refused ${TOKEN}.`, { details, cause })),
      );
    };
    await fleet.observe(name, 1);
    const { arms } = await fleet.untilEnded(name, 'M1');
    expect(arms[0]?.failure?.code).toBe('JUDGE_FAILED');
    return await fleet.historyOf(`lineage/${name}/run/M1/iterative`);
  } finally {
    await fleet.stop();
  }
}

describe('what activities answer and fail with', () => {
  it('has no token of the environment, in whatever place it was', async () => {
    const history = await historyWith('masked', ENVIRONMENT);
    expect(history).not.toContain(TOKEN);
    expect(history).toContain('harness with $HF_TOKEN');
    expect(history).toContain('The hub refused $HF_TOKEN.');
  });

  it('would have it otherwise', async () => {
    const history = await historyWith('unmasked', {});
    expect(history).toContain(`harness with ${TOKEN}`);
    expect(history).toContain(`The hub refused ${TOKEN}.`);
  });
});
