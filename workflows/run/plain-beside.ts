import { condition } from '@temporalio/workflow';
import type { TargetReference } from '../../contracts/curve.schema.ts';
import type { RunInput, SiblingEnd } from '../../contracts/run.ts';

/** The plain arm that runs beside another one, as far as it has told of its end. */
export class PlainBeside {
  readonly #input: RunInput;
  #end: SiblingEnd | null = null;

  constructor(input: RunInput) {
    this.#input = input;
  }

  note(end: SiblingEnd): void {
    if (end.arm === 'plain') this.#end = end;
  }

  /** Waits for its end; null where it has none of its own, or did not succeed. */
  async end(): Promise<SiblingEnd['result']> {
    if (this.#input.besidePlain !== true) return null;
    await condition(() => this.#end !== null);
    return this.#end?.result ?? null;
  }

  /** What the spec says the curve is to reach; null while that is not known. */
  target(): TargetReference | null {
    const { spec, previous, release } = this.#input;
    const wanted = spec.stop?.target;
    if (typeof wanted === 'number') return { kind: 'declared', score: wanted };
    const plain = this.#end?.result ?? null;
    if (wanted !== 'previous' && plain !== null) return toTarget('plain', release.name, plain.final.score);
    if (wanted === 'plain' || previous === undefined || previous === null) return null;
    return toTarget('previous', previous.release, previous.final.score);
  }
}

/** The step at which that training itself got there is in its record, where a comparison looks for it. */
function toTarget(kind: 'plain' | 'previous', release: string, score: number): TargetReference {
  return { kind, release, score, steps: null };
}
