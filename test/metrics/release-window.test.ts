import { describe, expect, it } from 'vitest';
import { createReleaseWindow } from '../../metrics/release-window.ts';

describe('the release window', () => {
  it('forgets nothing while a lineage has no more releases than it keeps', () => {
    const window = createReleaseWindow();
    const forgotten = Array.from({ length: 8 }, (_, index) => window.touch('math', `M${String(index)}`));
    expect(forgotten.flat()).toEqual([]);
  });

  it('forgets the oldest for each one beyond', () => {
    const window = createReleaseWindow(2);
    const touched = ['M1', 'M2', 'M3', 'M4'].map((release) => window.touch('math', release));
    expect(touched).toEqual([[], [], ['M1'], ['M2']]);
  });

  it('counts a release that is touched again as new', () => {
    const window = createReleaseWindow(2);
    window.touch('math', 'M1');
    window.touch('math', 'M2');
    expect(window.touch('math', 'M1')).toEqual([]);
    expect(window.touch('math', 'M3')).toEqual(['M2']);
  });

  it('counts each lineage by itself', () => {
    const window = createReleaseWindow(1);
    window.touch('math', 'M1');
    expect(window.touch('chat', 'M2')).toEqual([]);
    expect(window.touch('math', 'M2')).toEqual(['M1']);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses to keep %d releases', (keep) => {
    expect(() => createReleaseWindow(keep)).toThrow(expect.objectContaining({ code: 'METRICS_WINDOW_INVALID' }));
  });
});
