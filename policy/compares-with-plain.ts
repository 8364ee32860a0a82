import type { RunInput } from '../contracts/run.ts';

/** Whether a run waits for the end of the plain arm beside it: its gate or its target is held against that. */
export function comparesWithPlain({ besidePlain, spec }: RunInput): boolean {
  if (besidePlain !== true) return false;
  return [spec.gate?.against ?? []].flat().includes('plain') || spec.stop?.target === 'plain';
}
