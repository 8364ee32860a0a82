import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandSuite, Evaluator } from '../../../activities/ports.ts';
import { createCommandEvaluator } from '../../../adapters/evaluate/command-evaluator.ts';
import { openFsWorkspace } from '../../../adapters/workspace/fs-workspace.ts';
import { digestOf } from '../../support/lineage-values.ts';
import { temporaryFolder } from '../../support/safetensors.ts';
import { waitUntil } from '../../support/wait-until.ts';

const environment = { PATH: process.env['PATH'] ?? '', WORD: 'seen' };

let root: string;
let evaluator: Evaluator;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'regraft-'));
  evaluator = createCommandEvaluator({ environment, scratch: await openFsWorkspace(root) });
});

afterAll(() => rm(root, { recursive: true, force: true }));

/** A suite whose program is a line of shell; $1 is the model, $2 the suite, $3 the output. */
async function shell(script: string, more: Partial<CommandSuite> = {}): Promise<CommandSuite> {
  return {
    ...{ kind: 'command', name: 'own', digest: digestOf(script), unit: 'share', ids: null },
    folder: await temporaryFolder(),
    definition: {
      ...{ name: 'own', harness: 'command', version: '1', unit: 'share' },
      command: ['sh', '-c', script, 'sh', '{model}', '{suite}', '{output}'],
    },
    ...more,
  };
}

async function evaluate(suite: CommandSuite, signal = new AbortController().signal) {
  const seen: (readonly [number, number])[] = [];
  const results = await evaluator.evaluate({
    ...{ modelFolder: '/models/m', suite, signal },
    onProgress: (done, total) => seen.push([done, total]),
  });
  return { results, seen };
}

/** A program that writes these lines. */
function writes(...lines: readonly object[]): string {
  return lines.map((line) => `echo '${JSON.stringify(line)}' >> "$3"`).join('\n');
}

/** What programs have left behind. */
async function scratches(): Promise<readonly string[]> {
  const names = await readdir(root, { recursive: true });
  return names.filter((name) => name.split('/').length > 2);
}

describe('a program that scores', () => {
  it('gets the model, the suite and the output, runs in the suite, and is believed', async () => {
    const suite = await shell(`
      printf '{"id":"%s","outcome":0.25,"answer":"%s %s"}\\n' "$1" "$(pwd)" "$WORD" > "$3"
      printf '{"id":2,"outcome":1,"lossNats":0.5,"answerTokens":3,"weight":2}\\n' >> "$3"
      test "$2" = "$(pwd)"`);
    const { results, seen } = await evaluate(suite);
    const rest = { weight: 1, lossNats: null, answerTokens: 0, answer: `${suite.folder} seen` };
    expect(results).toEqual([
      { id: '/models/m', outcome: 0.25, ...rest },
      { id: '2', outcome: 1, weight: 2, lossNats: 0.5, answerTokens: 3, answer: null },
    ]);
    expect(seen).toEqual([[2, 2]]);
  });

  it("gives its results in the order of the suite's samples, whatever order it wrote them in", async () => {
    const lines = writes({ id: 'b', outcome: 0 }, { id: 'a', outcome: 1 }, { id: 'c', outcome: 1 });
    const ids = ['c', 'a', 'b'];
    const { results } = await evaluate(await shell(lines, { ids }));
    expect(results.map(({ id }) => id)).toEqual(ids);
    expect((await evaluate(await shell(lines))).results.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  });

  it.each([
    ['a sample is missing', writes({ id: 'a', outcome: 1 }), 'sample `b` is missing'],
    [
      'a sample is there twice',
      writes({ id: 'a', outcome: 1 }, { id: 'a', outcome: 1 }, { id: 'b', outcome: 1 }),
      'sample `a` is there twice',
    ],
    [
      'a sample is not of the suite',
      writes({ id: 'a', outcome: 1 }, { id: 'b', outcome: 1 }, { id: 'z', outcome: 1 }),
      "sample `z` is none of the suite's",
    ],
    [
      'a share is over one',
      writes({ id: 'a', outcome: 1.5 }, { id: 'b', outcome: 1 }),
      'outcome of sample `a` is 1.5, expected 0 to 1',
    ],
    ['an outcome is not finite', `echo '{"id":"a","outcome":NaN}' > "$3"`, 'line 1 is no JSON'],
    ['an outcome is too large to be a number', `echo '{"id":"a","outcome":1e999}' > "$3"`, 'line 1: `outcome`'],
    ['a line is cut off', `printf '{"id":"a","outcome":1}\\n{"id":"b","outc' > "$3"`, 'line 2 is no JSON'],
    ['nothing is written', 'true', 'there are none, expected a file'],
    ['the file is empty', ': > "$3"', 'found no sample'],
  ])('is not believed when %s', async (_claim, script, why) => {
    const suite = await shell(script, { ids: ['a', 'b'] });
    await expect(evaluate(suite)).rejects.toMatchObject({ code: 'EVALUATE_RESULTS_INVALID', retryable: false });
    await expect(evaluate(suite)).rejects.toThrow(why);
  });

  it('may have likelihoods for outcomes, which are below nought', async () => {
    const { results } = await evaluate(await shell(writes({ id: 'a', outcome: -3.5 }), { unit: 'nats' }));
    expect(results[0]?.outcome).toBe(-3.5);
  });

  it('that fails is quoted with its last words, and nothing it wrote is used', async () => {
    const suite = await shell(`${writes({ id: 'a', outcome: 1 })}\necho one; echo two >&2; exit 3`);
    await expect(evaluate(suite)).rejects.toMatchObject({ code: 'EVALUATE_PROGRAM_FAILED', retryable: false });
    await expect(evaluate(suite)).rejects.toThrow(/ended with exit code 3; its last words:\n(one\ntwo|two\none)$/);
    expect(await scratches()).toEqual([]);
  });

  it('that a signal ended may be tried again', async () => {
    const suite = await shell('kill -KILL $$');
    await expect(evaluate(suite)).rejects.toMatchObject({ code: 'EVALUATE_PROGRAM_FAILED', retryable: true });
    await expect(evaluate(suite)).rejects.toThrow('ended with signal SIGKILL; it said nothing');
  });

  it('that is not there is named', async () => {
    const suite = await shell('');
    const missing = { ...suite, definition: { ...suite.definition, command: ['./no-such', '{output}'] } };
    await expect(evaluate(missing)).rejects.toMatchObject({ code: 'EVALUATE_PROGRAM_MISSING', retryable: false });
    await expect(evaluate(missing)).rejects.toThrow('Program ./no-such cannot be started');
    await expect(evaluate(missing)).rejects.toThrow(/its last words:\n.*no-such.*not found/);
  });

  it.each([
    ['does not find what it runs', './no-such', 127],
    ['may not run what it finds', './own.jsonl', 126],
  ])('that %s is said to miss it', async (_claim, line, exitCode) => {
    const suite = await shell(line);
    await writeFile(path.join(suite.folder, 'own.jsonl'), '');
    await expect(evaluate(suite)).rejects.toMatchObject({ code: 'EVALUATE_PROGRAM_MISSING', retryable: false });
    await expect(evaluate(suite)).rejects.toThrow(`exit code ${String(exitCode)}`);
  });

  it('cannot be started in a folder that has gone', async () => {
    const gone = { ...(await shell('true')), folder: '/no/such/folder' };
    await expect(evaluate(gone)).rejects.toMatchObject({ code: 'EVALUATE_PROGRAM_MISSING', retryable: false });
    await expect(evaluate(gone)).rejects.toThrow('No program can be started in /no/such/folder');
  });

  it('has nothing on its standard input, and of the environment what it was given', async () => {
    const suite = await shell(`${writes({ id: 'a', outcome: 1 })}\ncat > input; env > environment`);
    await evaluate(suite);
    expect(await readFile(path.join(suite.folder, 'input'), 'utf8')).toBe('');
    const names = (await readFile(path.join(suite.folder, 'environment'), 'utf8')).trim().split('\n');
    // A shell adds where it is.
    expect(
      names
        .map((line) => line.split('=')[0])
        .filter((name) => name !== 'PWD')
        .sort(),
    ).toEqual(['PATH', 'WORD']);
  });

  it('is stopped with all that it has started, and leaves nothing behind', async () => {
    const suite = await shell('sleep 600 & echo $! > child; trap "" TERM; sleep 600 & wait; wait');
    const controller = new AbortController();
    const reason = new Error('stop');
    const ended = expect(evaluate(suite, controller.signal)).rejects.toBe(reason);
    const file = path.join(suite.folder, 'child');
    const pid = await waitUntil('the child', async () => Number(await readFile(file, 'utf8').catch(() => '')) || null);
    controller.abort(reason);
    await ended;
    await waitUntil('the end of the child', async () => Promise.resolve(isThere(pid) ? null : true));
    expect(isThere(pid)).toBe(false);
    expect(await scratches()).toEqual([]);
  }, 30_000);

  it('does not wait for what a program left running in the background', async () => {
    const suite = await shell(`${writes({ id: 'a', outcome: 1 })}\nsleep 600 & echo $! > child`);
    await evaluate(suite);
    const pid = Number(await readFile(path.join(suite.folder, 'child'), 'utf8'));
    for (let waited = 0; isThere(pid) && waited < 100; waited += 1) await sleep(20);
    expect(isThere(pid)).toBe(false);
  }, 30_000);

  it('has an identity of its version and of all that the digest of its suite covers', async () => {
    const suite = await shell('true');
    const identity = await evaluator.identity(suite);
    expect(identity).toMatchObject({ name: 'command', version: '1' });
    const definition = { ...suite.definition, version: '2' };
    expect((await evaluator.identity({ ...suite, definition })).digest).not.toBe(identity.digest);
    expect((await evaluator.identity({ ...suite, digest: digestOf('x') })).digest).not.toBe(identity.digest);
    expect((await evaluator.identity({ ...suite, name: 'other', folder: '/x' })).digest).toBe(identity.digest);
  });

  it('is not given a suite of another kind', async () => {
    const suite = { kind: 'text', name: 't', digest: digestOf('t'), unit: 'nats' } as const;
    const text = { ...suite, documents: [], contextTokens: 2, stride: null, windows: null };
    await expect(evaluator.identity(text)).rejects.toMatchObject({ code: 'EVALUATE_SUITE_UNFIT', retryable: false });
  });

  it('does not start when it is stopped before', async () => {
    const suite = await shell('touch started');
    await expect(evaluate(suite, AbortSignal.abort())).rejects.toThrow('aborted');
    await writeFile(path.join(suite.folder, 'other'), '');
    expect(await readdir(suite.folder)).toEqual(['other']);
  });
});

/** True while a process runs; one that nobody has collected has ended. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
