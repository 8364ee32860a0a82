import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { Ajv, type ValidateFunction } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseCommandLine } from '../../cli/command.ts';
import { COMMANDS } from '../../cli/commands/index.ts';
import { PROJECT_ROOT } from '../../workers/settings.ts';
import { findOnPath } from '../support/find-on-path.ts';
import { temporaryFolder } from '../support/safetensors.ts';

const DEPLOY = path.join(PROJECT_ROOT, 'deploy');
const UNITS = ['regraft-codec-server', 'regraft-receiver', 'regraft-up', 'regraft-worker'];

const read = (...names: readonly string[]): Promise<string> => readFile(path.join(DEPLOY, ...names), 'utf8');

async function schemaIn(file: string): Promise<ValidateFunction> {
  const schema: unknown = JSON.parse(await readFile(file, 'utf8'));
  if (typeof schema !== 'object' || schema === null) throw new Error(`${file} is no schema`);
  // The formats of the Compose specification are durations and ports, which are checked by patterns beside them.
  return new Ajv({ strict: false, validateSchema: false, validateFormats: false, allErrors: true }).compile(schema);
}

/** A command line of `regraft` parses: the command is there, and so is every option. */
function expectCommandLine(words: readonly string[]): void {
  const [name, ...args] = words;
  const command = COMMANDS.find((candidate) => candidate.name === name);
  expect(command?.name).toBe(name);
  if (command !== undefined) parseCommandLine(command, args);
}

describe('the systemd units', () => {
  it('are these', async () => {
    const files = await readdir(path.join(DEPLOY, 'systemd'));
    expect(files.sort()).toEqual([...UNITS.map((unit) => `${unit}.service`), 'regraft.env.example']);
  });

  /** What systemd says of a unit whose program is one that is here. */
  async function verify(name: string, text: string): Promise<string> {
    const file = path.join(await temporaryFolder(), `${name}.service`);
    await writeFile(file, text.replaceAll('/usr/bin/node', process.execPath));
    const verified = promisify(execFile)(await findOnPath('systemd-analyze'), ['verify', '--man=no', file]);
    return verified.then(
      ({ stderr }) => stderr,
      (error: unknown) => (error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)),
    );
  }

  it.each(UNITS)('%s is one that systemd takes, with a command line that Regraft takes', async (name) => {
    const text = await read('systemd', `${name}.service`);
    expect(linesAbout(name, await verify(name, text))).toEqual([]);
    const [, words = ''] = /^ExecStart=\/usr\/bin\/node \/opt\/regraft\/bin\/regraft.mjs (.*)$/m.exec(text) ?? [];
    expectCommandLine(words.split(' '));
    const named = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, variable]) => variable);
    const example = await read('systemd', 'regraft.env.example');
    for (const variable of named) expect(example).toMatch(new RegExp(`^${variable ?? ''}=.`, 'm'));
  });

  it('would be told of a mistake', async () => {
    const text = await read('systemd', 'regraft-worker.service');
    expect(
      linesAbout('regraft-worker', await verify('regraft-worker', text.replace('RestartSec=', 'RestartSecs='))),
    ).toEqual([expect.stringMatching(/Unknown key (name )?'RestartSecs'/)]);
  });

  it('leave trainers running when a worker is stopped', async () => {
    for (const name of ['regraft-up', 'regraft-worker']) {
      expect(await read('systemd', `${name}.service`)).toMatch(/^KillMode=process$/m);
    }
  });
});

/** Other units of the machine are not our matter. */
function linesAbout(name: string, said: string): readonly string[] {
  return said.split('\n').filter((line) => line.includes(`${name}.service`));
}

describe('the Compose file', () => {
  it('keeps the Compose specification, and its command lines are ones that Regraft takes', async () => {
    const compose: unknown = parse(await read('compose', 'compose.yaml'), { merge: true });
    const validate = await schemaIn(path.join(PROJECT_ROOT, 'test', 'deploy', 'fixtures', 'compose-spec.json'));
    validate(compose);
    expect(validate.errors).toBeNull();
    const services = Object.values((compose as { services: Record<string, { command: string[] }> }).services);
    expect(services).toHaveLength(4);
    for (const { command } of services) expectCommandLine(command);
    expect(validate({ services: { main: { image: 'a', comand: ['worker'] } } })).toBe(false);
  });
});

describe('the Helm chart', () => {
  const folder = path.join(DEPLOY, 'helm', 'regraft');

  it('has values that keep its schema, and a schema that refuses a slip', async () => {
    const values = parse(await read('helm', 'regraft', 'values.yaml')) as { readonly workers: readonly object[] };
    const validate = await schemaIn(path.join(folder, 'values.schema.json'));
    validate(values);
    expect(validate.errors).toBeNull();
    expect(validate({ ...values, stroeClaim: 'x' })).toBe(false);
    expect(validate({ ...values, workers: [{ ...values.workers[0], queues: 'gpu,lunch' }] })).toBe(false);
  });

  it('names in its template only what the values have, and only options that a worker has', async () => {
    const template = await read('helm', 'regraft', 'templates', 'workers.yaml');
    const values: unknown = parse(await read('helm', 'regraft', 'values.yaml'));
    const used = new Set([...template.matchAll(/\.Values\.([\w.]+)/g)].map(([, name = '']) => name));
    expect(used.size).toBe(12);
    const has = (name: string): boolean =>
      name.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], values) !==
      undefined;
    expect([...used].filter((name) => !has(name))).toEqual([]);
    const options = [...template.matchAll(/- (--[\w-]+=)/g)].map(([, option = '']) => `${option}1`);
    expectCommandLine(['worker', ...options]);
    expect(count(template, /\{\{-? ?(range|if|with)\b/g)).toBe(count(template, /\{\{-? ?end\b/g));
  });

  it('is a chart of this version', async () => {
    const { version }: { version: string } = JSON.parse(
      await readFile(path.join(PROJECT_ROOT, 'package.json'), 'utf8'),
    );
    expect(parse(await read('helm', 'regraft', 'Chart.yaml'))).toMatchObject({
      apiVersion: 'v2',
      name: 'regraft',
      appVersion: version,
    });
  });
});

function count(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].length;
}
