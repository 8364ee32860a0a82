const REDRAW_EVERY_MS = 100;
const ERASE_LINE = '\r\u001b[K';

/** A terminal, or anything else that is written to. */
export interface LineStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** One line of a terminal that changes. */
export interface LineDrawing {
  /** Shows a line, at most ten times a second; `line` is made only when it is shown. */
  readonly draw: (nowMs: number, line: () => string) => void;
  /** Leaves the terminal as it should be found; nothing is drawn from here on. */
  readonly end: () => void;
}

/** Draws one line in one place of a terminal; null on anything else. */
export function drawLine(stream: LineStream): LineDrawing | null {
  if (stream.isTTY !== true) return null;
  let drawnMs = -Infinity;
  let isOver = false;
  return {
    draw(nowMs, line) {
      if (isOver || nowMs - drawnMs < REDRAW_EVERY_MS) return;
      drawnMs = nowMs;
      stream.write(`${ERASE_LINE}${line().slice(0, (stream.columns ?? 80) - 1)}`);
    },
    end() {
      if (!isOver && drawnMs !== -Infinity) stream.write(ERASE_LINE);
      isOver = true;
    },
  };
}
