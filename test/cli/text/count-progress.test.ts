import { describe, expect, it } from 'vitest';
import { countLine, drawCount } from '../../../cli/text/count-progress.ts';

describe('countLine', () => {
  it('says how far the work has come, and how long it will take if it goes on so', () => {
    expect(countLine(250, 1000, 10)).toBe('250 of 1,000 · 25.0 % · 30.0 s left');
    expect(countLine(0, 1000, 10)).toBe('0 of 1,000 · 0.0 %');
    expect(countLine(1000, 1000, 10)).toBe('1,000 of 1,000 · 100.0 %');
  });
});

/** A terminal that keeps what is written, and a clock that is set by hand. */
function terminal(isTTY: boolean) {
  const written: string[] = [];
  const clock = { ms: 0 };
  const stream = { isTTY, columns: 20, write: (text: string) => written.push(text) };
  return { written, clock, progress: drawCount(stream, () => clock.ms) };
}

describe('drawCount', () => {
  it('draws in one place, at most ten times a second and no wider than the terminal, and wipes it off', () => {
    const { written, clock, progress } = terminal(true);
    progress.onProgress(0, 1000);
    clock.ms = 50;
    progress.onProgress(1, 1000);
    clock.ms = 200;
    progress.onProgress(500, 1000);
    progress.end();
    progress.end();
    progress.onProgress(600, 1000);
    expect(written).toEqual(['\r\u001b[K0 of 1,000 · 0.0 %', '\r\u001b[K500 of 1,000 · 50.0', '\r\u001b[K']);
  });

  it('writes nothing where nobody looks, and wipes nothing off that was not drawn', () => {
    const piped = terminal(false);
    piped.progress.onProgress(1, 2);
    piped.progress.end();
    const untouched = terminal(true);
    untouched.progress.end();
    expect([piped.written, untouched.written]).toEqual([[], []]);
  });
});
