/** Tells of progress; standard output is for results. */
export function say(line: string): void {
  console.error(`bench: ${line}`);
}
