import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { parseCommandLine } from '../../cli/command.ts';
import { COMMANDS } from '../../cli/commands/index.ts';
import { PROJECT_ROOT } from '../../workers/settings.ts';
import { runCli as run, type Ran } from '../support/run-cli.ts';
import { f32Tensor, singleFile, temporaryFolder, writeModelFolder } from '../support/safetensors.ts';

const NAMES = [
  ...['demo', 'up', 'plan', 'apply', 'release', 'status', 'why', 'report'],
  ...['pause', 'resume', 'retry', 'cancel', 'approve', 'reject', 'rollback', 'restart', 'transfer'],
  ...['worker', 'receive', 'codec-server', 'drill', 'recycle', 'delta', 'evaluate'],
];

/** A lineage file over a family with one release; without its dataset when that is to be missing. */
async function makeLineageFile(dataset = true): Promise<string> {
  const root = await temporaryFolder();
  await writeModelFolder(path.join(root, 'family', 'M1'), singleFile(f32Tensor('w', [1, 2, 3])));
  await writeModelFolder(path.join(root, 'family', 'draft'), singleFile(f32Tensor('w', [1])));
  await mkdir(path.join(root, 'suite'));
  await writeFile(path.join(root, 'suite', 'suite.yaml'), 'name: sums\nsamples: samples.jsonl\nscorer: exact\n');
  await writeFile(path.join(root, 'suite', 'samples.jsonl'), '{"prompt": "1+1=", "completion": "2"}\n');
  if (dataset) await writeFile(path.join(root, 'train.jsonl'), '{"prompt": "1+1=", "completion": "2"}\n');
  const file = path.join(root, 'lineage.yaml');
  await writeFile(
    file,
    `name: tiny-sums
family: { folder: family, names: 'M{release}', order: [release] }
strategy: iterative
finetune: { dataset: train.jsonl, steps: 1000, learningRate: 5e-4, batchSize: 8, saveEvery: 250 }
evaluate: [{ name: sums, suite: suite }]
`,
  );
  return file;
}

beforeEach(() => {
  vi.unstubAllEnvs();
  vi.stubEnv('TEMPORAL_ADDRESS', '');
  vi.stubEnv('TEMPORAL_PROFILE', '');
});

describe('regraft', () => {
  it('shows every command with its summary when it is asked for help, and ends with 0', async () => {
    for (const asked of ['--help', '-h', 'help']) {
      const { exitCode, out } = await run(asked);
      expect(exitCode).toBe(0);
      expect(out).toContain('Usage: regraft COMMAND [options]');
      for (const { name, summary } of COMMANDS) expect(out).toContain(`  ${name.padEnd(12)}  ${summary}`);
    }
  });

  it('shows the same without a command, and ends with 2', async () => {
    const { exitCode, out } = await run();
    expect(exitCode).toBe(2);
    expect(out).toBe((await run('--help')).out);
    expect((await run('--json')).exitCode).toBe(2);
  });

  it('knows these commands', () => {
    expect(COMMANDS.map(({ name }) => name)).toEqual(NAMES);
  });

  it('takes an unknown command for a slip and suggests the nearest, and ends with 2', async () => {
    expect(await run('stauts')).toEqual({
      exitCode: 2,
      out: '',
      err: `\`stauts\` is no command; did you mean \`status\`? There are ${NAMES.join(', ')}. [USAGE]`,
    });
    expect((await run('frobnicate')).err).toBe(`\`frobnicate\` is no command. There are ${NAMES.join(', ')}. [USAGE]`);
  });

  it('ends with 2 on wrong usage of a command, with 1 when a command fails', async () => {
    expect(await run('plan')).toMatchObject({ exitCode: 2, err: expect.stringContaining('FILE is missing') });
    expect(await run('worker', '--queues', 'gpu,lunch')).toMatchObject({
      exitCode: 2,
      err: '--queues names `lunch`; there are control, io, cpu, gpu, evaluate, and gpu-SHAPE. [USAGE]',
    });
    expect(await run('up', '--metrics-port', '99999')).toMatchObject({
      exitCode: 2,
      err: '--metrics-port is `99999`, expected a whole number from 0 to 65535. [USAGE]',
    });
    expect(await run('plan', '/nowhere.yaml')).toMatchObject({
      exitCode: 1,
      err: '/nowhere.yaml does not exist; name a lineage file such as configs/demo.yaml. [SPEC_UNREADABLE]',
    });
  });

  it.each([
    ['before the command', ['--json', 'plan', '/nowhere.yaml']],
    ['before the file', ['plan', '--json', '/nowhere.yaml']],
    ['at the end', ['plan', '/nowhere.yaml', '--json']],
  ])('tells an error as one JSON object on stderr with --json %s', async (_where, argv) => {
    const { exitCode, out, err } = await run(...argv);
    expect(exitCode).toBe(1);
    expect(out).toBe('');
    expect(JSON.parse(err)).toEqual({
      error: {
        code: 'SPEC_UNREADABLE',
        message: '/nowhere.yaml does not exist; name a lineage file such as configs/demo.yaml.',
        details: {},
      },
    });
  });

  it('tells wrong usage as JSON too, and the facts behind an error', async () => {
    const usage = await run('stauts', '--json');
    expect(usage.exitCode).toBe(2);
    expect(JSON.parse(usage.err)).toMatchObject({
      error: { code: 'USAGE', message: expect.stringContaining('`status`') },
    });
    const file = path.join(await temporaryFolder(), 'bad.yaml');
    await writeFile(file, 'name: 7\n');
    const { error } = JSON.parse((await run('plan', file, '--json')).err) as { error: { details: unknown } };
    expect(error.details).toMatchObject({
      file,
      problems: expect.arrayContaining([expect.stringContaining('`name`')]),
    });
  });

  it('shows where it happened when an error is none of ours, and says so with --json', async () => {
    const status = COMMANDS.find(({ name }) => name === 'status')!;
    const failing = vi.spyOn(status, 'run').mockRejectedValue(new TypeError('no such thing'));
    try {
      const people = await run('status');
      expect(people.exitCode).toBe(1);
      expect(people.err).toMatch(/^TypeError: no such thing\n +at /);
      const { err } = await run('status', '--json');
      expect(JSON.parse(err)).toEqual({ error: { code: 'UNEXPECTED', message: 'no such thing', details: {} } });
    } finally {
      failing.mockRestore();
    }
  });

  it('says what to do where no server is known', async () => {
    const home = await temporaryFolder();
    for (const argv of [['status'], ['why', 'a', 'M1'], ['release', 'a', 'M1'], ['pause', 'a'], ['worker']]) {
      const { exitCode, err } = await run(...argv, '--home', home);
      expect(exitCode).toBe(1);
      expect(err).toContain(
        `${path.join(home, 'temporal.json')} names none and TEMPORAL_ADDRESS is not set; start one with \`regraft up\``,
      );
    }
  });

  it('is a program that ends with these codes', async () => {
    const program = path.join(PROJECT_ROOT, 'bin', 'regraft.mjs');
    const ended = await new Promise<Ran>((resolve) => {
      execFile(process.execPath, [program, 'stauts', '--json'], (error, out, err) => {
        resolve({ exitCode: Number(error?.code ?? 0), out, err });
      });
    });
    expect(ended).toMatchObject({ exitCode: 2, out: '' });
    expect(JSON.parse(ended.err)).toMatchObject({ error: { code: 'USAGE' } });
  });
});

describe('the help of every command', () => {
  it.each(NAMES)('%s: has usage, options and examples that are command lines of its own', async (name) => {
    const { exitCode, out } = await run(name, '--help');
    expect(exitCode).toBe(0);
    const command = COMMANDS.find((candidate) => candidate.name === name)!;
    expect(out.split('\n')[0]).toBe(command.summary);
    expect(out).toContain(`\nUsage: regraft ${name} `);
    expect(out).toContain('\nOptions:\n');
    expect(out).toContain('\nExamples:\n');
    expect(command.examples.length).toBeGreaterThan(0);
    for (const example of command.examples) {
      expect(out).toContain(`\n  ${example}`);
      const words = wordsOf(example);
      expect(words.slice(0, 2)).toEqual(['regraft', name]);
      expect(() => parseCommandLine(command, words.slice(2))).not.toThrow();
    }
    expect((await run('help', name)).out).toBe(out);
    expect((await run(name, '-h')).out).toBe(out);
  });
});

/** The words of a command line as a shell sees them; variables set before the program are left out. */
function wordsOf(line: string): readonly string[] {
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([word, quoted]) => quoted ?? word);
  return words.slice(words.findIndex((word) => !/^[A-Z_]+=/.test(word)));
}

describe('regraft plan', () => {
  it('says what would happen, with no server about', async () => {
    const { exitCode, out, err } = await run('plan', await makeLineageFile());
    expect([exitCode, err]).toEqual([0, '']);
    const lines = out.split('\n');
    expect(lines.slice(0, 2)).toEqual(['tiny-sums: arms iterative', 'Releases in order:']);
    expect(lines[2]).toMatch(/^ {2}1\. M1 \(release 1\): 3 parameters, 0\.0 MB, 1 training$/);
    expect(lines.slice(3, 5)).toEqual(['Ignored:', '  draft: the name does not follow `M{release}`']);
    expect(lines[5]).toMatch(/^Fine-tuning steps: 1,000; disk in the store, at most: 0\.0 MB$/);
    expect(lines).toHaveLength(6);
  });

  it('answers with --json as a whole', async () => {
    const { exitCode, out } = await run('plan', await makeLineageFile(), '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      lineage: 'tiny-sums',
      releases: [{ name: 'M1', position: [1], parameters: 3, trainings: 1 }],
      ignored: [{ name: 'draft', why: 'the name does not follow `M{release}`' }],
      arms: ['iterative'],
      steps: 1000,
      blockers: [],
    });
  });

  it('shows the plan all the same when something is in the way, and ends with 1', async () => {
    const file = await makeLineageFile(false);
    const dataset = path.join(path.dirname(file), 'train.jsonl');
    const { exitCode, out, err } = await run('plan', file);
    expect(exitCode).toBe(1);
    expect(out).toContain('1. M1 (release 1): 3 parameters');
    expect(out.split('\n').at(-1)).toBe(
      `Blocker: Dataset ${dataset} does not exist; correct \`finetune.dataset\` or put the file there.`,
    );
    expect(err).toBe(`${file} cannot run yet: 1 blocker, listed above. [PLAN_BLOCKED]`);
    const json = await run('plan', file, '--json');
    expect(JSON.parse(json.out)).toMatchObject({ blockers: [expect.stringContaining(dataset)] });
    expect(JSON.parse(json.err)).toMatchObject({ error: { code: 'PLAN_BLOCKED' } });
  });
});

describe('the home folder', () => {
  it('is --home, else REGRAFT_HOME, else .regraft here', async () => {
    const homes = async (...argv: readonly string[]): Promise<string> => (await run('status', ...argv)).err;
    vi.stubEnv('REGRAFT_HOME', '/nowhere/of-the-environment');
    expect(await homes('--home', '/nowhere/of-the-line')).toContain('/nowhere/of-the-line/temporal.json');
    expect(await homes()).toContain('/nowhere/of-the-environment/temporal.json');
    const cwd = vi.spyOn(process, 'cwd').mockReturnValue('/nowhere');
    try {
      for (const unset of [undefined, '']) {
        vi.stubEnv('REGRAFT_HOME', unset);
        expect(await homes()).toContain('/nowhere/.regraft/temporal.json');
      }
    } finally {
      cwd.mockRestore();
    }
  });
});
