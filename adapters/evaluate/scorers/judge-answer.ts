import type { Scorer } from '../../../contracts/suite.schema.ts';
import { lastNumber } from './last-number.ts';
import { matchedText } from './matched-text.ts';

/** Scorers that judge a text. */
export type TextScorer = Extract<Scorer, { readonly kind: 'exact' | 'regex' | 'numeric' }>;

/**
 * True when a written text is right. `exact`: it is the answer, spaces around both aside. `regex`: what the expression finds
 * in it is the answer, or what it finds in the answer. `numeric`: its last number is the answer's, within the tolerance;
 * a text or an answer without a number is wrong.
 */
export function judgeAnswer(scorer: TextScorer, written: string, answer: string): boolean {
  switch (scorer.kind) {
    case 'exact':
      return written.trim() === answer.trim();
    case 'regex': {
      const found = matchedText(scorer, written);
      return found !== null && found.trim() === (matchedText(scorer, answer) ?? answer).trim();
    }
    case 'numeric': {
      const [found, expected] = [lastNumber(written), lastNumber(answer)];
      return found !== null && expected !== null && Math.abs(found - expected) <= scorer.tolerance;
    }
  }
}
