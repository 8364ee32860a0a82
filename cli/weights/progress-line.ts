import type { Progress } from '../../weights/index.ts';
import { bytesText, durationText, shareText } from './amounts.ts';

const REDRAW_EVERY_MS = 100;
const ERASE_LINE = '\r\u001b[K';

/** A moment of the work: parameters done, and when. */
interface Moment {
  readonly parametersDone: number;
  readonly atMs: number;
}

/**
 * One line about how far the work has come: bytes of the output, speed, time left, tensor. Speed counts from `since`, because
 * work that goes on after an interruption starts with parameters that this process has not done.
 */
export function progressLine(progress: Progress, since: Moment, nowMs: number, bytesPerParameter: number): string {
  const { parametersDone: done, parametersTotal: total, tensor } = progress;
  const seconds = (nowMs - since.atMs) / 1000;
  const perSecond = seconds > 0 ? (done - since.parametersDone) / seconds : 0;
  const speed =
    perSecond > 0
      ? [`${bytesText(perSecond * bytesPerParameter)}/s`, `${durationText((total - done) / perSecond)} left`]
      : [];
  const amount = `${bytesText(done * bytesPerParameter)} of ${bytesText(total * bytesPerParameter)}`;
  return [amount, shareText(done, total), ...speed, tensor].filter((part) => part !== '').join(' · ');
}

/** Draws progress in one place of a terminal; nothing on anything else. */
export interface ProgressDrawing {
  readonly onProgress: (progress: Progress) => void;
  /** Leaves the terminal as it should be found; nothing is drawn from here on. */
  readonly end: () => void;
}

/** Progress on a stream, at most ten times a second; `clock` is in milliseconds. */
export function drawProgress(
  stream: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown },
  bytesPerParameter: number,
  clock: () => number = () => performance.now(),
): ProgressDrawing {
  if (stream.isTTY !== true) return { onProgress: () => undefined, end: () => undefined };
  let since: Moment | null = null;
  let drawnMs = -Infinity;
  let isOver = false;
  return {
    onProgress(progress) {
      if (isOver) return;
      const nowMs = clock();
      since ??= { parametersDone: progress.parametersDone, atMs: nowMs };
      if (nowMs - drawnMs < REDRAW_EVERY_MS) return;
      drawnMs = nowMs;
      const line = progressLine(progress, since, nowMs, bytesPerParameter);
      stream.write(`${ERASE_LINE}${line.slice(0, (stream.columns ?? 80) - 1)}`);
    },
    end() {
      if (!isOver && drawnMs !== -Infinity) stream.write(ERASE_LINE);
      isOver = true;
    },
  };
}
