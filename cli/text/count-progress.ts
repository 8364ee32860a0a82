import { countText, durationText, shareText } from '../weights/amounts.ts';

const REDRAW_EVERY_MS = 100;
const ERASE_LINE = '\r\u001b[K';

/** One line about how far countable work has come, and how long it will take if it goes on so. */
export function countLine(done: number, total: number, seconds: number): string {
  const left = done > 0 && done < total ? [`${durationText((seconds / done) * (total - done))} left`] : [];
  return [`${countText(done)} of ${countText(total)}`, shareText(done, total), ...left].join(' · ');
}

/** Draws progress in one place of a terminal, at most ten times a second; nothing on anything else. */
export function drawCount(
  stream: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown },
  clock: () => number = () => performance.now(),
): { readonly onProgress: (done: number, total: number) => void; readonly end: () => void } {
  if (stream.isTTY !== true) return { onProgress: () => undefined, end: () => undefined };
  const startedMs = clock();
  let drawnMs = -Infinity;
  let isOver = false;
  return {
    onProgress(done, total) {
      const nowMs = clock();
      if (isOver || nowMs - drawnMs < REDRAW_EVERY_MS) return;
      drawnMs = nowMs;
      const line = countLine(done, total, (nowMs - startedMs) / 1000);
      stream.write(`${ERASE_LINE}${line.slice(0, (stream.columns ?? 80) - 1)}`);
    },
    end() {
      if (!isOver && drawnMs !== -Infinity) stream.write(ERASE_LINE);
      isOver = true;
    },
  };
}
