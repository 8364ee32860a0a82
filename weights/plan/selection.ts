import { WeightsError } from '../errors.ts';
import { createProblem, type Problem } from './problem.ts';

/** A λ for the tensors whose whole name a regular expression matches. */
export interface PatternScale {
  readonly pattern: string;
  readonly scale: number;
}

/**
 * Which tensors get how much of a Δ. Patterns are regular expressions that match whole names; a tied embedding goes by the
 * embedding's name. The first of `scales` that matches decides; all others get the work's own λ.
 */
export interface Selection {
  readonly scales?: readonly PatternScale[];
  /** Only these get a Δ; the others are the target's own. They are checked all the same. Default: all. */
  readonly include?: readonly string[];
  /** These are the target's own whatever their dtype, and may differ in the other models or be absent from them. */
  readonly exclude?: readonly string[];
}

/** What becomes of a tensor. */
export type Decision =
  { readonly kind: 'moved'; readonly scale: number } | { readonly kind: 'kept' } | { readonly kind: 'excluded' };

/** A selection with its patterns compiled. */
export interface Selector {
  readonly decide: (name: string, scale: number) => Decision;
  readonly isExcluded: (name: string) => boolean;
  /** Patterns that match none of the names: a typing error, most likely. */
  readonly problems: (names: Iterable<string>) => readonly Problem[];
}

/** Compiles a selection. Error: WEIGHTS_ARGUMENT_INVALID for a pattern that is no regular expression or a λ that is not finite. */
export function createSelector({ scales = [], include = [], exclude = [] }: Selection): Selector {
  const scaled = scales.map(({ pattern, scale }) => {
    assertScale(scale, `scale of ${pattern}`);
    return { ...compile('scales', pattern), scale };
  });
  const included = include.map((pattern) => compile('include', pattern));
  const excluded = exclude.map((pattern) => compile('exclude', pattern));
  const isExcluded = (name: string): boolean => excluded.some(({ matches }) => matches(name));
  return {
    isExcluded,
    decide: (name, scale) => {
      if (isExcluded(name)) return { kind: 'excluded' };
      if (included.length > 0 && !included.some(({ matches }) => matches(name))) return { kind: 'kept' };
      return { kind: 'moved', scale: scaled.find(({ matches }) => matches(name))?.scale ?? scale };
    },
    problems: (names) => {
      const all = [...names];
      return [...scaled, ...included, ...excluded].flatMap(({ option, pattern, matches }) =>
        all.some(matches)
          ? []
          : createProblem({
              code: 'WEIGHTS_PATTERN_UNMATCHED',
              subject: `${option} \`${pattern}\``,
              found: 'no tensor of that name',
              expected: 'a regular expression that matches whole tensor names',
              advice: `for example \`${exampleOf(all)}\``,
            }),
      );
    },
  };
}

/** Fails with WEIGHTS_ARGUMENT_INVALID unless λ is a finite number; 0 and negative numbers are fine. */
export function assertScale(scale: number, name = 'scale'): void {
  if (Number.isFinite(scale)) return;
  const message = `${name}: found ${String(scale)}, expected a finite number; 1 adds the whole delta.`;
  throw new WeightsError('WEIGHTS_ARGUMENT_INVALID', message, { scale: String(scale) });
}

interface Pattern {
  readonly option: string;
  readonly pattern: string;
  readonly matches: (name: string) => boolean;
}

function compile(option: string, pattern: string): Pattern {
  try {
    const expression = new RegExp(`^(?:${pattern})$`, 'u');
    return { option, pattern, matches: (name) => expression.test(name) };
  } catch (cause) {
    const message = `${option}: found \`${pattern}\`, expected a regular expression such as \`model\\.layers\\.[0-7]\\..*\`; mend it.`;
    throw new WeightsError('WEIGHTS_ARGUMENT_INVALID', message, { pattern }, { cause });
  }
}

function exampleOf(names: readonly string[]): string {
  const [first = 'model.norm.weight'] = names;
  return first.replaceAll('.', '\\.');
}
