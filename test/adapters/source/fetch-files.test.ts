import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { fetchFiles, type FetchableFile } from '../../../adapters/source/fetch-files.ts';
import { RegraftError } from '../../../contracts/error.ts';
import { temporaryFolder } from '../../support/safetensors.ts';

const never = new AbortController().signal;
const ABC = { algorithm: 'sha256', value: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' } as const;

function file(sizeBytes: number, digest: FetchableFile['digest'] = null): FetchableFile {
  return { name: 'model.safetensors', sizeBytes, tag: '', digest };
}

/** What each connection brings, one after the other; an error breaks it off, null leaves it hanging, a number is a pause. */
function connections(...scripts: readonly (readonly (string | number | Error | null)[])[]) {
  const offsets: number[] = [];
  const openAt = async (_file: FetchableFile, offset: number, signal: AbortSignal) => {
    const script = scripts[Math.min(offsets.length, scripts.length - 1)] ?? [];
    offsets.push(offset);
    await Promise.resolve();
    return play(script, signal);
  };
  return { offsets, openAt };
}

async function* play(
  script: readonly (string | number | Error | null)[],
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  for (const step of script) {
    if (step instanceof Error) throw step;
    if (typeof step === 'number') await setTimeout(step, undefined, { signal });
    else if (step === null) await setTimeout(60_000, undefined, { signal });
    else yield Buffer.from(step);
  }
}

async function fetchInto(
  wanted: FetchableFile,
  openAt: ReturnType<typeof connections>['openAt'],
  signal = never,
  stallMs = 50,
) {
  const folder = path.join(await temporaryFolder(), 'release');
  const options = { signal, onProgress: () => undefined, pauseMs: 1, stallMs };
  await fetchFiles([wanted], folder, openAt, options);
  return readFile(path.join(folder, wanted.name), 'utf8');
}

describe('a file that is fetched', () => {
  it('goes on where each connection ended, and has its digest over all of them', async () => {
    const { offsets, openAt } = connections(['a'], [new Error('reset')], ['b', new Error('reset')], ['c']);
    expect(await fetchInto(file(3, ABC), openAt)).toBe('abc');
    expect(offsets).toEqual([0, 1, 1, 2]);
  });

  it('is given another connection when one brings nothing', async () => {
    const { offsets, openAt } = connections(['a', null], ['bc']);
    expect(await fetchInto(file(3, ABC), openAt)).toBe('abc');
    expect(offsets).toEqual([0, 1]);
  });

  it('may take longer than a stall, as long as something comes', async () => {
    const { offsets, openAt } = connections(['a', 400, 'b', 400, 'c', 400, 'd', 400, 'e']);
    expect(await fetchInto(file(5), openAt, never, 1200)).toBe('abcde');
    expect(offsets).toEqual([0]);
  });

  it('may be empty, and then nothing is asked for', async () => {
    const { offsets, openAt } = connections([]);
    expect(await fetchInto(file(0), openAt)).toBe('');
    expect(offsets).toEqual([]);
  });

  it('is given up after five connections in a row without a byte', async () => {
    const { offsets, openAt } = connections(['ab'], [new Error('reset')]);
    await expect(fetchInto(file(3), openAt)).rejects.toMatchObject({ code: 'SOURCE_BROKEN_OFF', retryable: true });
    expect(offsets).toHaveLength(6);
  });

  it('is refused when more comes than was announced, before it is written', async () => {
    const { openAt } = connections(['abc', 'd']);
    await expect(fetchInto(file(3), openAt)).rejects.toMatchObject({ code: 'SOURCE_TOO_LONG', retryable: false });
  });

  it('is refused with another digest', async () => {
    const { openAt } = connections(['abd']);
    await expect(fetchInto(file(3, ABC), openAt)).rejects.toMatchObject({ code: 'SOURCE_DIGEST_MISMATCH' });
  });

  it('waits for no one who asks for patience: that is for whoever fetches', async () => {
    const patience = new RegraftError('HUB_RATE_LIMITED', 'later', { retryable: true, retryAfterMs: 30_000 });
    const { offsets, openAt } = connections([patience]);
    await expect(fetchInto(file(3), openAt)).rejects.toBe(patience);
    expect(offsets).toHaveLength(1);
  });

  it('stops in the middle when it is told to', async () => {
    const stop = new AbortController();
    const { openAt } = connections(['a', null]);
    const fetching = fetchInto(file(3), openAt, stop.signal);
    stop.abort(new Error('the worker goes away'));
    await expect(fetching).rejects.toThrow('the worker goes away');
  });
});

it('is not begun where it cannot fit', async () => {
  const folder = path.join(await temporaryFolder(), 'release');
  const { offsets, openAt } = connections(['abc']);
  const options = { signal: never, onProgress: () => undefined };
  await expect(fetchFiles([file(Number.MAX_SAFE_INTEGER)], folder, openAt, options)).rejects.toMatchObject({
    code: 'SOURCE_NO_SPACE',
    retryable: true,
  });
  expect([offsets, await readdir(folder)]).toEqual([[], []]);
});
