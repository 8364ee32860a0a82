import { countText, durationText, shareText } from '../weights/amounts.ts';
import { drawLine, type LineStream } from './line-drawing.ts';

/** One line about how far countable work has come, and how long it will take if it goes on so. */
export function countLine(done: number, total: number, seconds: number): string {
  const left = done > 0 && done < total ? [`${durationText((seconds / done) * (total - done))} left`] : [];
  return [`${countText(done)} of ${countText(total)}`, shareText(done, total), ...left].join(' · ');
}

/** Draws progress in one place of a terminal, at most ten times a second; nothing on anything else. */
export function drawCount(
  stream: LineStream,
  clock: () => number = () => performance.now(),
): { readonly onProgress: (done: number, total: number) => void; readonly end: () => void } {
  const line = drawLine(stream);
  if (line === null) return { onProgress: () => undefined, end: () => undefined };
  const startedMs = clock();
  return {
    onProgress(done, total) {
      const nowMs = clock();
      line.draw(nowMs, () => countLine(done, total, (nowMs - startedMs) / 1000));
    },
    end: line.end,
  };
}
