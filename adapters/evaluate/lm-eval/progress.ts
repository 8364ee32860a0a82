/** Finds lm-eval's progress bar in what it prints, and passes on the requests done. */
export function readLmEvalProgress(onProgress: (done: number, total: number) => void): (text: string) => void {
  return (text) => {
    const [latest] = [...text.matchAll(/Running \w+ requests:[^|\r\n]*\|[^|\r\n]*\| (\d+)\/(\d+)/g)].slice(-1);
    if (latest !== undefined) onProgress(Number(latest[1]), Number(latest[2]));
  };
}
