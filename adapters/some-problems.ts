const SHOWN = 5;

/** The first few of many problems, and how many more there are: what a sentence can hold. */
export function someProblems(problems: readonly string[]): readonly string[] {
  const hidden = problems.length - SHOWN;
  return [...problems.slice(0, SHOWN), ...(hidden > 0 ? [`and ${String(hidden)} more like these`] : [])];
}
