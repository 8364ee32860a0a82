import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../../../workers/settings.ts';
import { makeTinyModel, type TransformersAnswers } from '../../adapters/evaluate/tiny-model.ts';
import { runCli } from '../../support/run-cli.ts';
import { waitUntil } from '../../support/wait-until.ts';

const TEXT = 'abcdefghij0123456789klmnopqrstuvwxyz';

let root: string;
let model: string;
let answers: TransformersAnswers;
let questions: string;

beforeAll(async () => {
  ({ root, folder: model, answers } = await makeTinyModel({ score: [], write: [], chat: [], text: TEXT }));
  questions = path.join(root, 'questions.jsonl');
  const rows = answers.ended.flatMap(([prompt, completion]) => [
    { prompt, completion },
    { prompt, completion: `${completion}a` },
  ]);
  await writeFile(questions, rows.map((row) => JSON.stringify(row)).join('\n'));
  await writeFile(path.join(root, 'wiki.txt'), TEXT);
}, 120_000);

afterAll(() => rm(root, { recursive: true, force: true }));

/** A suite of a program that waits; it says `started` when it does. */
async function slowSuite(): Promise<string> {
  const suite = path.join(root, 'slow');
  await mkdir(suite, { recursive: true });
  const command = `command: [sh, -c, 'echo $$ > started; sleep 600', sh, '{output}']`;
  await writeFile(path.join(suite, 'suite.yaml'), `name: slow\nharness: command\n${command}\n`);
  return suite;
}

describe('regraft evaluate', () => {
  it('scores a model folder on a file of questions, without a server or a store', async () => {
    const { exitCode, out, err } = await runCli('evaluate', model, questions);
    expect([exitCode, err]).toEqual([0, '']);
    expect(out).toMatch(/^suite +questions, 6 samples, digest [0-9a-f]{12}$/m);
    expect(out).toMatch(/^harness +onnx 2, digest [0-9a-f]{12}$/m);
    expect(out).toMatch(/^score +0\.500, 3 of 6 right; 95 % interval 0\.188 to 0\.812 \(Wilson\)$/m);
    expect(out).toContain('Wrong, the furthest from right first (3 of 3):');
  });

  it('answers in JSON with every sample, and takes a limit', async () => {
    const { exitCode, out } = await runCli('evaluate', model, questions, '--json', '--limit', '3', '--threads', '1');
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      ...{ model, unit: 'share', score: 2 / 3, perplexity: null, lossNats: expect.any(Number) },
      suite: { name: 'questions', digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
      harness: { name: 'onnx', version: '2', digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
      interval: { method: 'wilson' },
      samples: [
        { id: '0', outcome: 1 },
        { id: '1', outcome: 0 },
        { id: '2', outcome: 1 },
      ],
    });
  });

  it('has the perplexity that transformers finds in a text', async () => {
    const { out } = await runCli('evaluate', model, path.join(root, 'wiki.txt'), '--json', '--batch-tokens', '64');
    const { perplexity } = JSON.parse(out) as { perplexity: number };
    const mean = answers.text.reduce((sum, nats) => sum + nats, 0) / answers.text.length;
    expect(perplexity / Math.exp(-mean)).toBeCloseTo(1, 4);
  });

  it.each([
    ['no suite', () => [model], 2, 'SUITE is missing'],
    [
      'a harness that is none',
      () => [model, questions, '--harness', 'helm'],
      2,
      'expected one of onnx, lm-eval, command',
    ],
    ['a limit of nothing', () => [model, questions, '--limit', '0'], 2, '--limit is `0`'],
    [
      'a suite that is not there',
      () => [model, path.join(root, 'none')],
      1,
      'there is no such file or folder. [SUITE_INVALID]',
    ],
    [
      'a suite of another harness',
      () => [model, questions, '--harness', 'lm-eval'],
      1,
      'it is for the harness onnx, asked for is lm-eval',
    ],
    ['a model that is none', () => [root, questions], 1, 'there is no config.json in it'],
  ])('refuses %s in one sentence', async (_claim, args, exitCode, why) => {
    const ran = await runCli('evaluate', ...args());
    expect([ran.exitCode, ran.out]).toEqual([exitCode, '']);
    expect(ran.err).toContain(why);
    expect(ran.err.split('\n')).toHaveLength(1);
  });

  it('stops in good order at Ctrl-C, and says that nothing is kept', async () => {
    const suite = await slowSuite();
    const child = spawn(process.execPath, [path.join(PROJECT_ROOT, 'bin', 'regraft.mjs'), 'evaluate', model, suite]);
    const said = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    await waitUntil(
      'the program has started',
      async () => (await readFile(path.join(suite, 'started'), 'utf8').catch(() => '')).trim() !== '',
    );
    child.kill('SIGINT');
    const [out, err] = await said;
    expect(child.exitCode).toBe(130);
    expect(out).toBe('');
    expect(err).toContain('Stopped; nothing is kept of an evaluation that is not whole. [EVALUATE_ABORTED]');
  }, 60_000);
});
