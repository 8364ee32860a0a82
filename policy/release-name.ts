import { fieldsOf, parsePattern, type FieldType, type PatternPart } from '../contracts/release-pattern.ts';

/** What a name says in one field: a number, or the parts of a version. */
export type FieldValue = number | readonly number[];

/** Longer names are no release's; each is compared with a pattern that may hold any text. */
const MAX_NAME = 255;
/** Parts that a version may have, and parts that it is filled up to, so that what stands behind it stays in its place. */
const VERSION_PARTS = 3;

const READ: Readonly<Record<FieldType, string>> = {
  number: '[0-9]{1,15}',
  version: `[0-9]{1,9}(?:\\.[0-9]{1,9}){0,${String(VERSION_PARTS - 1)}}`,
  count: '[0-9]{1,12}(?:\\.[0-9]{1,6})?[KMBTkmbt]?',
};
const UNITS: Readonly<Record<string, number>> = { k: 1e3, m: 1e6, b: 1e9, t: 1e12 };

/**
 * Reads the fields out of a release name by the family's pattern (`contracts/release-pattern.ts`).
 *
 * `stage{stage}-step{step}-tokens{tokens:count}` read against `stage1-step300000-tokens1259B` gives
 * `{stage: 1, step: 300000, tokens: 1.259e12}`. Text outside braces must match to the letter. A field of an optional part
 * that the name does not have is left out.
 *
 * @returns the fields, or null when the name does not follow the pattern.
 */
export function parseReleaseName(pattern: string, name: string): Readonly<Record<string, FieldValue>> | null {
  const { parts } = parsePattern(pattern);
  if (parts === null || name.length > MAX_NAME) return null;
  const match = new RegExp(`^${parts.map(toSource).join('')}$`).exec(name);
  if (match === null) return null;
  return Object.fromEntries(
    fieldsOf(parts).flatMap(({ name: field, type }, index) => {
      const text = match[index + 1];
      return text === undefined ? [] : [[field, valueOf(text, type)]];
    }),
  );
}

/** The numbers that a release is ordered by; what the name does not have counts as less than anything it could say. */
export function positionOf(
  fields: Readonly<Record<string, FieldValue>>,
  pattern: string,
  order: readonly string[],
): readonly number[] {
  const types = new Map(fieldsOf(parsePattern(pattern).parts ?? []).map(({ name, type }) => [name, type]));
  return order.flatMap((field) => {
    const value = fields[field] ?? -1;
    if (types.get(field) !== 'version') return value;
    const numbers = [value].flat();
    return [...numbers, ...Array.from({ length: VERSION_PARTS - numbers.length }, () => 0)];
  });
}

/** What a name says in the fields that it is ordered by, for people: `stage 1, step 300000`. */
export function fieldsInWords(name: string, pattern: string, order: readonly string[]): string {
  const fields = parseReleaseName(pattern, name) ?? {};
  return order
    .map((field) => {
      const value = fields[field];
      return value === undefined ? `no ${field}` : `${field} ${[value].flat().join('.')}`;
    })
    .join(', ');
}

function toSource(part: PatternPart): string {
  switch (part.kind) {
    case 'text':
      return part.text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
    case 'any':
      return '[^]*?';
    case 'field':
      return `(${READ[part.type]})`;
    case 'optional':
      return `(?:${part.parts.map(toSource).join('')})?`;
  }
}

function valueOf(text: string, type: FieldType): FieldValue {
  if (type === 'version') return text.split('.').map(Number);
  if (type === 'number') return Number(text);
  const unit = UNITS[text.slice(-1).toLowerCase()];
  return unit === undefined ? Number(text) : Math.round(Number(text.slice(0, -1)) * unit);
}
