const REPEAT_EVERY_MS = 10_000;

/** Live progress: events stay, the present is one line that changes. */
export interface Progress {
  /** Something happened: a line with the time since the start. */
  event(line: string): void;
  /** What goes on: redrawn in place on a terminal, else repeated every ten seconds if it changed. */
  now(line: string): void;
  /** Leaves the terminal as it should be found. */
  end(): void;
}

/** Progress written to a stream; `clock` is in milliseconds. */
export function createProgress(
  stream: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown },
  clock: () => number = () => performance.now(),
): Progress {
  const startedMs = clock();
  const stamp = (): string => {
    const seconds = Math.floor((clock() - startedMs) / 1000);
    return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
  };
  const live = stream.isTTY === true;
  let shown = '';
  let shownMs = -Infinity;
  return {
    event(line) {
      if (live) stream.write('\r\u001b[K');
      stream.write(`${stamp()}  ${line}\n`);
    },
    now(line) {
      if (live) {
        stream.write(`\r\u001b[K${`${stamp()}  … ${line}`.slice(0, (stream.columns ?? 80) - 1)}`);
      } else if (line !== shown && clock() - shownMs >= REPEAT_EVERY_MS) {
        stream.write(`${stamp()}  … ${line}\n`);
        shown = line;
        shownMs = clock();
      }
    },
    end() {
      if (live) stream.write('\r\u001b[K');
    },
  };
}
