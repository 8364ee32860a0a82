import { describe, expect, it } from 'vitest';
import { createProgress } from '../../../cli/demo/progress.ts';

/** Progress on a clock that the test turns. */
function watched(isTTY: boolean) {
  let text = '';
  let nowMs = 5_000;
  const stream = { isTTY, columns: 40, write: (part: string) => (text += part) };
  const progress = createProgress(stream, () => nowMs);
  return { progress, pass: (milliseconds: number) => (nowMs += milliseconds), text: () => text };
}

describe('progress on a terminal', () => {
  it('redraws what goes on in place, cut to the width, and leaves events standing', () => {
    const { progress, pass, text } = watched(true);
    pass(61_000);
    progress.now('x'.repeat(100));
    progress.event('M1 is live');
    progress.end();
    expect(text()).toBe(`\r\u001b[K01:01  … ${'x'.repeat(30)}\r\u001b[K01:01  M1 is live\n\r\u001b[K`);
  });
});

describe('progress in a log', () => {
  it('writes events at once and what goes on every ten seconds, only if it changed', () => {
    const { progress, pass, text } = watched(false);
    progress.now('step 1');
    progress.event('M1 is live');
    pass(9_999);
    progress.now('step 2');
    pass(1);
    progress.now('step 3');
    pass(20_000);
    progress.now('step 3');
    progress.end();
    expect(text()).toBe('00:00  … step 1\n00:00  M1 is live\n00:10  … step 3\n');
  });
});
