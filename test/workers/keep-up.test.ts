import { describe, expect, it, onTestFinished } from 'vitest';
import { keepUp, type KeptUp, type Running } from '../../workers/keep-up.ts';
import { waitUntil } from '../support/wait-until.ts';

/** A thing that ends when the test says so. */
class Thing implements Running {
  readonly ended: Promise<string>;
  stopped = false;
  #end: (how: string) => void = () => undefined;

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  die(how: string): void {
    this.#end(how);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.#end('It was stopped.');
  }
}

/** Keeps things up of which each is started as `starts` says, in turn; the last of them goes on for ever. */
class Stage {
  readonly things: Thing[] = [];
  readonly said: string[] = [];
  readonly #starts: readonly ((signal: AbortSignal) => Promise<void>)[];
  #started = 0;

  constructor(...starts: readonly ((signal: AbortSignal) => Promise<void>)[]) {
    this.#starts = starts;
  }

  async keepUp(options: { pausesMs?: readonly number[]; steadyAfterMs?: number } = {}): Promise<KeptUp<Thing>> {
    const kept = await keepUp({
      say: (line) => this.said.push(line),
      start: (signal) => this.#start(signal),
      pausesMs: [1, 2, 3],
      ...options,
    });
    onTestFinished(() => kept.stop());
    return kept;
  }

  /** Waits until so many things have been started, and returns the newest. */
  async thing(count: number): Promise<Thing> {
    return waitUntil(`${String(count)} things were started`, async () => this.things[count - 1] ?? null);
  }

  async #start(signal: AbortSignal): Promise<Thing> {
    const how = this.#starts[this.#started];
    this.#started += 1;
    await how?.(signal);
    const thing = new Thing();
    this.things.push(thing);
    return thing;
  }
}

const fine = async (): Promise<void> => undefined;
const fails = (why: string) => async (): Promise<void> => {
  throw new Error(why);
};
/** A start that goes on until it is told to stop. */
const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(new Error('told to stop'));
    });
  });

describe('what is kept up', () => {
  it('is started again when it ends, with a sentence, and the new one is the current one', async () => {
    const stage = new Stage();
    const kept = await stage.keepUp();
    expect(kept.current).toBe(stage.things[0]);
    stage.things[0]?.die('It ended (SIGKILL).');
    const second = await stage.thing(2);
    await waitUntil('it is the current one', async () => kept.current === second);
    expect(stage.said).toEqual(['It ended (SIGKILL). Starting again in 0.001 s.']);
  });

  it('is tried again for as long as starting fails, each failure said and the pauses growing up to the longest', async () => {
    const stage = new Stage(fine, fails('No disk.'), fails('No port.'), fails('No luck.'), fails('No end.'));
    await stage.keepUp();
    stage.things[0]?.die('It ended.');
    await stage.thing(2);
    expect(stage.said).toEqual([
      'It ended. Starting again in 0.001 s.',
      'No disk. Starting again in 0.002 s.',
      'No port. Starting again in 0.003 s.',
      'No luck. Starting again in 0.003 s.',
      'No end. Starting again in 0.003 s.',
    ]);
  });

  it('waits longer when it ends soon after each start, and as at first once it has lasted', async () => {
    const hasty = new Stage();
    await hasty.keepUp({ steadyAfterMs: 60_000 });
    hasty.things[0]?.die('Gone.');
    (await hasty.thing(2)).die('Gone.');
    (await hasty.thing(3)).die('Gone.');
    await hasty.thing(4);
    expect(hasty.said.map((line) => line.slice(-8))).toEqual(['0.001 s.', '0.002 s.', '0.003 s.']);

    const steady = new Stage();
    await steady.keepUp({ steadyAfterMs: 0 });
    steady.things[0]?.die('Gone.');
    (await steady.thing(2)).die('Gone.');
    await steady.thing(3);
    expect(steady.said.map((line) => line.slice(-8))).toEqual(['0.001 s.', '0.001 s.']);
  });

  it('tells its caller when the first start fails, and tries no more', async () => {
    const stage = new Stage(fails('No disk.'));
    await expect(stage.keepUp()).rejects.toThrow('No disk.');
    expect(stage.things).toEqual([]);
    expect(stage.said).toEqual([]);
  });

  it('is stopped without a word when it is told to, and not started again', async () => {
    const stage = new Stage();
    const kept = await stage.keepUp();
    await kept.stop();
    expect(stage.things.map(({ stopped }) => stopped)).toEqual([true]);
    expect(stage.said).toEqual([]);
  });

  it('does not start again when it is told to stop in the pause before', async () => {
    const stage = new Stage();
    const kept = await stage.keepUp({ pausesMs: [3_600_000] });
    stage.things[0]?.die('Gone.');
    await waitUntil('the pause has begun', async () => stage.said.length === 1);
    await kept.stop();
    expect(stage.things).toHaveLength(1);
  });

  it('gives up a start that is under way when it is told to stop, and says nothing of it', async () => {
    let isStarting = false;
    const stage = new Stage(fine, async (signal) => {
      isStarting = true;
      await untilAborted(signal);
    });
    const kept = await stage.keepUp();
    stage.things[0]?.die('Gone.');
    await waitUntil('another is being started', async () => isStarting);
    await kept.stop();
    expect(stage.things).toHaveLength(1);
    expect(stage.said).toEqual(['Gone. Starting again in 0.001 s.']);
  });

  it('stops one that had just started when it was told to stop', async () => {
    let isStarting = false;
    let finish: () => void = () => undefined;
    const stage = new Stage(fine, async () => {
      isStarting = true;
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
    });
    const kept = await stage.keepUp();
    stage.things[0]?.die('Gone.');
    await waitUntil('another is being started', async () => isStarting);
    const stopping = kept.stop();
    finish(); // too late to hear of it
    await stopping;
    expect(stage.things.map(({ stopped }) => stopped)).toEqual([false, true]);
  });
});
