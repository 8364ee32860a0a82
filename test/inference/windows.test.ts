import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { windowsOf } from '../../inference/index.ts';

const text = (length: number): readonly number[] => Array.from({ length }, (_, token) => token);

describe('windowsOf', () => {
  it('moves a window on by the stride and scores what is new in it', () => {
    expect(windowsOf(text(9), { positions: 4, stride: 2 })).toEqual([
      { prompt: [0], continuation: [1, 2, 3] },
      { prompt: [2, 3], continuation: [4, 5] },
      { prompt: [4, 5], continuation: [6, 7] },
      { prompt: [6, 7], continuation: [8] },
    ]);
  });

  it('leaves one token of context where the stride leaves none', () => {
    expect(windowsOf(text(8), { positions: 4 })).toEqual([
      { prompt: [0], continuation: [1, 2, 3] },
      { prompt: [3], continuation: [4, 5, 6] },
      { prompt: [6], continuation: [7] },
    ]);
  });

  it('puts the first token in front of every window, and then scores the first token of the text too', () => {
    expect(windowsOf(text(7), { positions: 4, firstToken: 99 })).toEqual([
      { prompt: [99], continuation: [0, 1, 2] },
      { prompt: [99], continuation: [3, 4, 5] },
      { prompt: [99], continuation: [6] },
    ]);
    expect(windowsOf(text(5), { positions: 4, stride: 1, firstToken: 99 })).toEqual([
      { prompt: [99], continuation: [0, 1, 2] },
      { prompt: [99, 1, 2], continuation: [3] },
      { prompt: [99, 2, 3], continuation: [4] },
    ]);
  });

  it('has no window for a text with nothing to score', () => {
    expect([windowsOf([], { positions: 4 }), windowsOf([5], { positions: 4 })]).toEqual([[], []]);
    expect(windowsOf([5], { positions: 4, firstToken: 1 })).toEqual([{ prompt: [1], continuation: [5] }]);
  });

  it('scores every token but the first once, in order, in windows that fit and have the context that the stride leaves', () => {
    const options = fc.record({
      positions: fc.integer({ min: 2, max: 20 }),
      stride: fc.integer({ min: 1, max: 25 }),
      firstToken: fc.option(fc.constant(99), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60 }), options, (length, { positions, stride, firstToken }) => {
        const windows = windowsOf(text(length), { positions, stride, firstToken });
        const scored = windows.flatMap(({ continuation }) => continuation);
        expect(scored).toEqual(text(length).slice(firstToken === undefined ? 1 : 0));
        windows.forEach(({ prompt, continuation }, index) => {
          expect(prompt.length + continuation.length).toBeLessThanOrEqual(positions);
          expect(prompt.length).toBeGreaterThanOrEqual(1);
          if (index > 0) expect(prompt.length).toBeGreaterThanOrEqual(positions - stride);
          const seen = [...prompt.filter((token) => token !== 99), ...continuation];
          expect(seen).toEqual(text(length).slice(seen[0], (seen[0] ?? 0) + seen.length));
        });
      }),
    );
  });

  it('refuses windows that could score nothing', () => {
    for (const options of [{ positions: 1 }, { positions: 4, stride: 0 }, { positions: Number.NaN }]) {
      expect(() => windowsOf(text(5), options)).toThrow(expect.objectContaining({ code: 'INFERENCE_EMPTY_REQUEST' }));
    }
  });
});
