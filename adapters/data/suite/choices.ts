import type { SuiteSample } from '../../../activities/ports.ts';
import type { Scorer } from '../../../contracts/suite.schema.ts';
import { fieldOf, parseTemplate, renderTemplate, type Template } from './template.ts';

/**
 * A sample's choices, and which of them its answer is: by its text, or, where `answer` is one field with a whole number, by
 * its place from 0. @throws Error that says what does not fit
 */
export function readChoices(
  scorer: Extract<Scorer, { readonly kind: 'multiple-choice' }>,
  fields: Readonly<Record<string, unknown>>,
  answerTemplate: Template,
  answer: string,
): NonNullable<SuiteSample['choices']> {
  const texts = textsOf(scorer.choices, fields);
  if (texts.length < 2) throw new Error(`found ${String(texts.length)} choice, expected at least two`);
  if (texts.includes('')) throw new Error('found an empty choice, expected at least one character in each');
  const place = placeOf(answerTemplate, fields);
  const right = place ?? texts.indexOf(answer);
  if (texts[right] !== undefined) return { texts, right };
  throw new Error(
    place === null
      ? `the answer \`${answer}\` is none of the choices ${texts.map((text) => `\`${text}\``).join(', ')}`
      : `the answer is choice ${String(place)}, expected 0 to ${String(texts.length - 1)}`,
  );
}

function textsOf(choices: string | readonly string[], fields: Readonly<Record<string, unknown>>): readonly string[] {
  if (typeof choices !== 'string') return choices.map((choice) => renderTemplate(parseTemplate(choice), fields));
  const listed = fieldOf(fields, choices);
  if (!Array.isArray(listed)) throw new Error(`found no list in the field \`${choices}\`, expected the choices there`);
  const values: readonly unknown[] = listed;
  const texts = values.filter((value) => typeof value === 'string');
  if (texts.length < values.length) throw new Error(`found a choice in \`${choices}\` that is no text`);
  return texts;
}

function placeOf(template: Template, fields: Readonly<Record<string, unknown>>): number | null {
  const [part] = template;
  if (template.length !== 1 || part === undefined || typeof part === 'string') return null;
  const value = fieldOf(fields, part.field);
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : null;
}
