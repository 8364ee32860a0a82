import type { OutcomeUnit } from '../../contracts/evaluation.schema.ts';

/** A score for people: `71.3 %`, or `−1.2345 nats a token`. */
export function sayScore(score: number, unit: OutcomeUnit): string {
  return unit === 'share' ? `${signed(100 * score, 1, '')} %` : `${signed(score, 4, '')} nats a token`;
}

/** A difference of scores with its sign: `+0.62 points`, `−0.0042 nats a token`. */
export function sayDifference(difference: number, unit: OutcomeUnit): string {
  return unit === 'share' ? `${signed(100 * difference, 2, '+')} points` : `${signed(difference, 4, '+')} nats a token`;
}

/** A size of a difference, without sign: `2 points`, `0.05 nats a token`. */
export function sayAmount(amount: number, unit: OutcomeUnit): string {
  const value = Number((unit === 'share' ? 100 * amount : amount).toPrecision(3));
  if (unit === 'nats') return `${String(value)} nats a token`;
  return `${String(value)} ${value === 1 ? 'point' : 'points'}`;
}

/** `1,319 samples`, `1 sample`. */
export function saySamples(count: number): string {
  return `${sayCount(count)} ${count === 1 ? 'sample' : 'samples'}`;
}

/** A share of the samples: `2.5 %`. */
export function sayShare(share: number): string {
  return `${String(Number((100 * share).toPrecision(3)))} %`;
}

/** `95 %`, with as many digits as tell it from 100 %. */
export function sayConfidence(confidence: number): string {
  return `${String(Number((100 * confidence).toPrecision(confidence > 0.99 ? 4 : 3)))} %`;
}

/** A probability in two digits, never rounded to certainty. */
export function sayProbability(probability: number): string {
  if (probability > 0.99) return 'over 0.99';
  return probability < 0.01 ? 'under 0.01' : probability.toFixed(2);
}

/** `1,319`. */
export function sayCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

function signed(value: number, digits: number, plus: string): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value < 0 ? '−' : plus}${text}`;
}
