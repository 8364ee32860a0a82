import type { Progress } from '../../weights/index.ts';
import { drawLine, type LineStream } from '../text/line-drawing.ts';
import { bytesText, durationText, shareText } from './amounts.ts';

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
  stream: LineStream,
  bytesPerParameter: number,
  clock: () => number = () => performance.now(),
): ProgressDrawing {
  const line = drawLine(stream);
  if (line === null) return { onProgress: () => undefined, end: () => undefined };
  let since: Moment | null = null;
  return {
    onProgress(progress) {
      const nowMs = clock();
      const start = (since ??= { parametersDone: progress.parametersDone, atMs: nowMs });
      line.draw(nowMs, () => progressLine(progress, start, nowMs, bytesPerParameter));
    },
    end: line.end,
  };
}
