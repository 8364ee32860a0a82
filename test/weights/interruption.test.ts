import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type * as Fs from 'node:fs';
import { appendFile, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { recycle, sweep, type RecycleInput, type SweepInput } from '../../weights/index.ts';
import {
  bitsTensor,
  f32Tensor,
  writeModelFolder,
  writeTriple,
  type FixtureModel,
  type ModelTriple,
} from '../support/safetensors.ts';

/** Bytes that this process' engine has written into files that grow. */
const written = vi.hoisted(() => ({ bytes: 0 }));

vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof Fs>();
  const writeSync = (file: number, from: Uint8Array, offset: number, length: number, position: number): number => {
    const bytesWritten = fs.writeSync(file, from, offset, length, position);
    written.bytes += bytesWritten;
    return bytesWritten;
  };
  return { ...fs, writeSync };
});

const SCRIPT = fileURLToPath(new URL('../support/recycle-and-die.ts', import.meta.url));
const GRAIN = 65_536;
const SMALL = { threads: 0, pieceElements: GRAIN } as const;
const SCALE = 0.7;
const STATE = '.regraft-unfinished';
/** Two files of five and of three pieces, the last of each short; the second has two tensors in it. */
const FIRST = 4 * GRAIN + 5;
const SECOND = [GRAIN + 3, 2] as const;
const WEIGHTS = ['a.safetensors', 'b.safetensors'];

function values(count: number, seed: number): number[] {
  return Array.from({ length: count }, (_, i) => (((i + seed) * 7919) % 2003) / 1024 - seed / 7);
}

function small(seed: number): FixtureModel {
  return {
    shards: {
      'a.safetensors': [f32Tensor('x', values(FIRST, seed))],
      'b.safetensors': [f32Tensor('y', values(SECOND[0], seed + 1)), f32Tensor('z', values(SECOND[1], seed + 2))],
    },
  };
}

const writeSmall = (): Promise<ModelTriple> => writeTriple({ target: small(1), tuned: small(2), base: small(3) });

/** 9.6 million bf16 parameters in four files: enough for threads, a file each. */
function large(seed: number): FixtureModel {
  const count = 2_400_000 + 3;
  const bits = Array.from({ length: count }, (_, i) => 0x3f00 + (((i * 31 + seed * 17) >> 2) & 0xff));
  const names = ['1', '2', '3', '4'];
  const shards = names.map((name) => [`${name}.safetensors`, [bitsTensor(name, 'BF16', bits)]] as const);
  return { shards: Object.fromEntries(shards) };
}

interface Child {
  readonly process: ChildProcess;
  readonly output: () => string;
}

/** Starts a process that recycles until so many pieces are done. */
function startChild(end: 'die' | 'hold', pieces: number, input: SweepInput): Child {
  const child = spawn(process.execPath, ['--import', 'tsx', SCRIPT, end, String(pieces), JSON.stringify(input)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  return { process: child, output: () => output };
}

async function killAt(pieces: number, input: SweepInput): Promise<void> {
  const child = startChild('die', pieces, input);
  const [code, signal] = (await once(child.process, 'exit')) as [number | null, string | null];
  expect([code, signal, child.output()]).toEqual([null, 'SIGKILL', '']);
}

/** Aborts after so many pieces in this very process; quicker than a kill, and leaves the same behind. */
async function abortAt(pieces: number, input: RecycleInput): Promise<void> {
  const abort = new AbortController();
  let done = 0;
  const onProgress = (): void => {
    if (++done === pieces) abort.abort();
  };
  await expect(recycle({ ...input, signal: abort.signal, onProgress })).rejects.toMatchObject({
    code: 'WEIGHTS_ABORTED',
    retryable: true,
  });
}

/** Every file of a folder, by name. */
async function contents(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = await readdir(folder);
  const entries = names.map(async (name) => [name, (await readFile(join(folder, name))).toString('base64')] as const);
  return Object.fromEntries(await Promise.all(entries));
}

async function sizeOf(folder: string, names: readonly string[]): Promise<number> {
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Bytes that the journals vouch for. */
async function keptBytes(partial: string): Promise<number> {
  const texts = await Promise.all(
    WEIGHTS.map((name) => readFile(join(partial, STATE, `${name}.jsonl`), 'utf8').catch(() => '')),
  );
  const last = texts.map((text) => text.trimEnd().split('\n').at(-1) ?? '');
  return last.reduce((sum, line) => sum + (line === '' ? 0 : (JSON.parse(line) as { bytes: number }).bytes), 0);
}

async function flipByte(path: string, at: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

beforeEach(() => {
  written.bytes = 0;
});

describe('a recycle that is killed', () => {
  it('with several threads at work goes on to the bytes and the report of an undisturbed run', async () => {
    const folders = await writeTriple({ target: large(1), tuned: large(2), base: large(3) });
    const input = { ...folders, scale: SCALE, threads: 2, pieceElements: GRAIN };
    const whole = join(folders.root, 'whole');
    const undisturbed = await recycle({ ...input, out: whole });
    await killAt(20, { ...input, outputs: [input] });
    const partial = `${folders.out}.partial`;
    const inodes = async (folder: string): Promise<readonly number[]> =>
      await Promise.all(['1.safetensors', '2.safetensors'].map(async (name) => (await stat(join(folder, name))).ino));
    const begun = await inodes(partial);
    expect((await readdir(folders.root)).sort()).toEqual([
      ...['base', 'out.partial', 'out.partial.lock', 'target', 'tuned', 'whole'],
    ]);
    expect(await recycle(input)).toEqual(undisturbed);
    expect(await contents(folders.out)).toEqual(await contents(whole));
    expect(await inodes(folders.out), 'the files that were begun').toEqual(begun);
    expect((await readdir(folders.root)).sort()).toEqual(['base', 'out', 'target', 'tuned', 'whole']);
  });

  it('piece by piece, and several times, writes no piece twice', async () => {
    const folders = await writeSmall();
    const input = { ...folders, ...SMALL, scale: SCALE };
    const whole = join(folders.root, 'whole');
    const undisturbed = await recycle({ ...input, out: whole });
    const partial = `${folders.out}.partial`;
    for (const pieces of [2, 6]) {
      await killAt(pieces, { ...input, outputs: [input] });
    }
    const kept = await keptBytes(partial);
    written.bytes = 0;
    expect(await recycle(input)).toEqual(undisturbed);
    expect(await contents(folders.out)).toEqual(await contents(whole));
    expect(kept).toBeGreaterThan(5 * GRAIN * 4 - 1000);
    expect(written.bytes).toBe((await sizeOf(whole, WEIGHTS)) - kept);
  });

  it('in the middle of a sweep goes on in every output, from the piece that all of them hold', async () => {
    const folders = await writeSmall();
    const outputs = (name: string): SweepInput['outputs'] =>
      [0.5, 2].map((scale) => ({ scale, out: join(folders.root, `${name}-${String(scale)}`) }));
    const undisturbed = await sweep({ ...folders, ...SMALL, outputs: outputs('whole') });
    const input = { ...folders, ...SMALL, outputs: outputs('out') };
    await killAt(3, input);
    await flipByte(join(folders.root, 'out-2.partial', 'a.safetensors'), 2 * GRAIN * 4);
    written.bytes = 0;
    expect(await sweep(input)).toEqual(undisturbed);
    for (const scale of ['0.5', '2']) {
      expect(await contents(join(folders.root, `out-${scale}`))).toEqual(
        await contents(join(folders.root, `whole-${scale}`)),
      );
    }
    const all = 2 * (await sizeOf(join(folders.root, 'whole-2'), WEIGHTS));
    expect(written.bytes).toBe(all - 2 * GRAIN * 4 - 2 * (await headerBytes(join(folders.target, 'a.safetensors'))));
  });
});

async function headerBytes(path: string): Promise<number> {
  return 8 + Number((await readFile(path)).readBigUInt64LE(0));
}

interface Damage {
  readonly name: string;
  readonly harm: (partial: string, folders: ModelTriple) => Promise<void>;
  /** Pieces of the first file that still hold. */
  readonly holding: number;
}

const weights = (partial: string): string => join(partial, 'a.safetensors');
const journal = (partial: string): string => join(partial, STATE, 'a.safetensors.jsonl');
const editJournal = async (partial: string, edit: (lines: string[]) => void): Promise<void> => {
  const lines = (await readFile(journal(partial), 'utf8')).split('\n');
  edit(lines);
  await writeFile(journal(partial), lines.join('\n'));
};

/** What can have become of three pieces until the next try. */
const DAMAGES: readonly Damage[] = [
  { name: 'nothing', harm: () => Promise.resolve(), holding: 3 },
  { name: 'a damaged header', harm: (at) => flipByte(weights(at), 12), holding: 0 },
  { name: 'a damaged first piece', harm: (at) => flipByte(weights(at), 1000), holding: 0 },
  { name: 'a damaged second piece', harm: (at) => flipByte(weights(at), GRAIN * 4 + 1000), holding: 1 },
  { name: 'a damaged last piece', harm: (at) => flipByte(weights(at), 3 * GRAIN * 4), holding: 2 },
  { name: 'a file shorter than its journal', harm: (at) => truncate(weights(at), GRAIN * 4 + 1000), holding: 1 },
  { name: 'a file that is empty', harm: (at) => truncate(weights(at), 0), holding: 0 },
  {
    name: 'a file longer than its journal',
    harm: (at) => appendFile(weights(at), Buffer.alloc(99_999, 1)),
    holding: 3,
  },
  { name: 'a file that is gone', harm: (at) => rm(weights(at)), holding: 0 },
  { name: 'a journal that is gone', harm: (at) => rm(journal(at)), holding: 0 },
  {
    name: 'half a line at the end of the journal',
    harm: (at) => appendFile(journal(at), '{"pieces":4,"by'),
    holding: 3,
  },
  {
    name: 'a journal whose last line is torn',
    harm: async (at) => truncate(journal(at), (await stat(journal(at))).size - 20),
    holding: 2,
  },
  {
    name: 'a journal that ends in zeros, as after a loss of power',
    harm: (at) => appendFile(journal(at), `${'\0'.repeat(100)}\n`),
    holding: 3,
  },
  ...['null', '7', '{}', '{"pieces":2}'].map((line) => ({
    name: `a journal with the line ${line}`,
    harm: (at: string) =>
      editJournal(at, (lines) => {
        lines[1] = line;
      }),
    holding: 1,
  })),
  {
    name: 'a journal that counts a piece too many',
    harm: (at) =>
      editJournal(at, (lines) => {
        lines[1] = (lines[1] ?? '').replace('"pieces":2', '"pieces":4');
      }),
    holding: 1,
  },
  {
    name: 'a journal without its first line',
    harm: (at) =>
      editJournal(at, (lines) => {
        lines.shift();
      }),
    holding: 0,
  },
  { name: 'half a name of the plan', harm: (at) => truncate(join(at, STATE, 'plan'), 30), holding: 0 },
  {
    name: 'a file of the fine-tune that was touched',
    harm: (_, { tuned }) => utimes(join(tuned, 'b.safetensors'), 1, 1),
    holding: 0,
  },
];

describe('what an interrupted run has left', () => {
  it.each(DAMAGES)('is kept as far as it holds: $name', async ({ harm, holding }) => {
    const folders = await writeSmall();
    const input = { ...folders, ...SMALL, scale: SCALE };
    const whole = join(folders.root, 'whole');
    const undisturbed = await recycle({ ...input, out: whole });
    await abortAt(3, input);
    await harm(`${folders.out}.partial`, folders);
    written.bytes = 0;
    const seen: number[] = [];
    const report = await recycle({ ...input, onProgress: ({ parametersDone }) => seen.push(parametersDone) });
    expect(report).toEqual(undisturbed);
    expect(await contents(folders.out)).toEqual(await contents(whole));
    const header = await headerBytes(join(folders.target, 'a.safetensors'));
    const kept = holding === 0 ? 0 : header + holding * GRAIN * 4;
    expect(written.bytes).toBe((await sizeOf(whole, WEIGHTS)) - kept);
    expect(seen.at(-1), 'what was kept counts as done').toBe(FIRST + SECOND[0] + SECOND[1]);
  });

  it('is begun anew for another λ, other weights and other pieces', async () => {
    const folders = await writeSmall();
    const input = { ...folders, ...SMALL, scale: SCALE };
    const another = await writeModelFolder(join(folders.root, 'another'), small(5));
    for (const [name, change] of Object.entries({
      lambda: { scale: 0.3 },
      weights: { tuned: another },
      pieces: { pieceElements: 2 * GRAIN },
      selection: { exclude: ['y'] },
    })) {
      const whole = join(folders.root, `whole-${name}`);
      const undisturbed = await recycle({ ...input, ...change, out: whole });
      await abortAt(6, input);
      written.bytes = 0;
      expect(await recycle({ ...input, ...change }), name).toEqual(undisturbed);
      expect(await contents(folders.out), name).toEqual(await contents(whole));
      expect(written.bytes, name).toBe(await sizeOf(whole, WEIGHTS));
      await rm(folders.out, { recursive: true });
    }
  });

  it('is begun anew when a model has been replaced in its place', async () => {
    const folders = await writeSmall();
    const input = { ...folders, ...SMALL, scale: SCALE };
    await abortAt(6, input);
    await writeModelFolder(folders.tuned, small(5));
    written.bytes = 0;
    const report = await recycle(input);
    const total = written.bytes;
    expect(await recycle({ ...input, out: join(folders.root, 'whole') })).toEqual(report);
    expect(total).toBe(await sizeOf(folders.out, WEIGHTS));
  });

  it('measures a tensor with infinities as an undisturbed run does', async () => {
    const target = small(1);
    const infinite = values(FIRST, 1);
    infinite[7] = Infinity;
    const folders = await writeTriple({
      target: { shards: { ...target.shards, 'a.safetensors': [f32Tensor('x', infinite)] } },
      tuned: small(2),
      base: small(3),
    });
    const input = { ...folders, ...SMALL, scale: SCALE };
    const undisturbed = await recycle({ ...input, out: join(folders.root, 'whole') });
    await abortAt(3, input);
    expect(await recycle(input)).toEqual(undisturbed);
    expect(undisturbed.health?.realisedError, 'a sum that JSON has no word for').toBeNull();
  });

  it('is not trusted where nothing was hashed', async () => {
    const folders = await writeSmall();
    const input = { ...folders, ...SMALL, scale: SCALE, digests: false };
    await abortAt(6, input);
    written.bytes = 0;
    await recycle(input);
    expect(written.bytes).toBe(await sizeOf(folders.out, WEIGHTS));
  });
});

describe('the lock on an output', () => {
  it('is held by a live process and taken over from a dead one', async () => {
    const folders = await writeSmall();
    const input = { ...folders, ...SMALL, scale: SCALE };
    const child = startChild('hold', 2, { ...input, outputs: [input] });
    await once(child.process.stdout ?? child.process, 'data');
    expect(child.output()).toBe('holding\n');
    await expect(recycle(input)).rejects.toMatchObject({
      code: 'WEIGHTS_OUTPUT_BUSY',
      retryable: true,
      details: { pid: child.process.pid, host: hostname() },
    });
    const kept = await keptBytes(`${folders.out}.partial`);
    expect(kept, 'the refused call has touched nothing').toBeGreaterThan(2 * GRAIN * 4);
    child.process.kill('SIGKILL');
    await once(child.process, 'exit');
    await expect(recycle(input)).resolves.toMatchObject({ tensors: 3 });
    expect(written.bytes).toBe((await sizeOf(folders.out, WEIGHTS)) - kept);
    expect((await readdir(folders.root)).sort()).toEqual(['base', 'out', 'target', 'tuned']);
  });
});
