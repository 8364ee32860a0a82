import { describe, expect, it } from 'vitest';
import { drawProgress, progressLine } from '../../../cli/weights/progress-line.ts';

const START = { parametersDone: 0, atMs: 1000 };
const at = (parametersDone: number, tensor = 'w'): Parameters<typeof progressLine>[0] => ({
  parametersDone,
  parametersTotal: 1e9,
  tensor,
});

/** A terminal, what was written to it, and a clock to be set. */
function terminal(isTTY: boolean, columns = 200) {
  const written: string[] = [];
  const stream = { isTTY, columns, write: (text: string) => written.push(text) };
  return { written, stream };
}

describe('the line of progress', () => {
  it('has bytes, share, speed, time left and the tensor', () => {
    expect(progressLine(at(250e6), START, 1500, 2)).toBe('500.0 MB of 2.00 GB · 25.0 % · 1.00 GB/s · 1.5 s left · w');
  });

  it('says nothing of speed before there is one', () => {
    expect(progressLine(at(0, ''), START, 1000, 2)).toBe('0 B of 2.00 GB · 0.0 %');
    expect(progressLine(at(0), START, 2000, 2)).toBe('0 B of 2.00 GB · 0.0 % · w');
  });

  it('counts for its speed only what was done since it began', () => {
    const half = { parametersDone: 500e6, atMs: 0 };
    expect(progressLine(at(600e6), half, 1000, 1)).toBe('600.0 MB of 1.00 GB · 60.0 % · 100.0 MB/s · 4.0 s left · w');
  });
});

describe('progress on a terminal', () => {
  it('is drawn in place, ten times a second at most, and cleared in the end', () => {
    const { written, stream } = terminal(true);
    let nowMs = 0;
    const { onProgress, end } = drawProgress(stream, 1, () => nowMs);
    onProgress(at(0));
    nowMs = 99;
    onProgress(at(10e6));
    nowMs = 100;
    onProgress(at(20e6));
    end();
    expect(written).toEqual([
      '\r\u001b[K0 B of 1.00 GB · 0.0 % · w',
      '\r\u001b[K20.0 MB of 1.00 GB · 2.0 % · 200.0 MB/s · 4.9 s left · w',
      '\r\u001b[K',
    ]);
  });

  it('is drawn no more after its end', () => {
    const { written, stream } = terminal(true);
    let nowMs = 0;
    const { onProgress, end } = drawProgress(stream, 1, () => nowMs);
    onProgress(at(0));
    end();
    nowMs = 1000;
    onProgress(at(1));
    end();
    expect(written).toHaveLength(2);
  });

  it('is cut to the width of the terminal', () => {
    const { written, stream } = terminal(true, 12);
    drawProgress(stream, 1, () => 0).onProgress(at(0));
    expect(written).toEqual(['\r\u001b[K0 B of 1.00']);
  });

  it('is not drawn at all elsewhere', () => {
    const { written, stream } = terminal(false);
    const { onProgress, end } = drawProgress(stream, 1, () => 0);
    onProgress(at(0));
    end();
    expect(written).toEqual([]);
  });
});
