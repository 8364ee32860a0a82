import path from 'node:path';
import type { SamplesSuite, SuiteSample } from '../../../activities/ports.ts';
import { messageOf } from '../../../contracts/error.ts';
import type { SamplesDefinition } from '../../../contracts/suite.schema.ts';
import type { ChatMessage } from '../../../inference/index.ts';
import { canonicalJson } from '../../store/canonical-json.ts';
import { readChoices } from './choices.ts';
import { readRows, type Row } from './read-rows.ts';
import type { SuiteProblems } from './suite-problems.ts';
import { parseTemplate, renderTemplate, type Template } from './template.ts';

const MAX_NEW_TOKENS = 256;

type AskingScorer = SamplesSuite['scorer'];
type AskingDefinition = SamplesDefinition & { readonly scorer: AskingScorer };

/** One row, filled in: what is asked, and what is to be answered. */
interface Asked {
  readonly id: string;
  readonly question: string;
  readonly answer: string;
  readonly choices: SuiteSample['choices'];
}

/** Builds the samples of a suite that asks questions. @throws SUITE_INVALID */
export async function samplesSuite(
  {
    name,
    folder,
    definition,
  }: { readonly name: string; readonly folder: string; readonly definition: AskingDefinition },
  problems: SuiteProblems,
): Promise<SamplesSuite> {
  const templates = readTemplates(definition, problems);
  const ask = (row: Row): readonly Asked[] => askedOf(row, templates, definition.scorer, problems);
  const rows = await readRows(path.join(folder, definition.samples), definition.limit ?? null, problems);
  const asked = rows.flatMap(ask);
  const shots = (await shotRows(folder, definition, problems)).flatMap(ask);
  problems.assertNone();
  const samples = asked.map((one) => toSample(one, shotsFor(one, shots, definition, problems), definition));
  problems.assertNone();
  const content = {
    kind: 'samples' as const,
    scorer: definition.scorer,
    samples,
    stop: definition.stop ?? [],
    maxNewTokens: definition.maxNewTokens ?? MAX_NEW_TOKENS,
  };
  return { ...content, name, unit: 'share', digest: canonicalJson(content).sha256 };
}

function readTemplates(
  definition: AskingDefinition,
  problems: SuiteProblems,
): { readonly prompt: Template; readonly answer: Template } {
  const read = (key: 'prompt' | 'answer', fallback: string): Template => {
    try {
      return parseTemplate(definition[key] ?? fallback);
    } catch (error) {
      return problems.fail('suite.yaml', `\`${key}\`: ${messageOf(error)}`);
    }
  };
  return { prompt: read('prompt', '{prompt}'), answer: read('answer', '{completion}') };
}

/** A row filled in; nothing, and a problem more, where that cannot be. */
function askedOf(
  { id, where, fields }: Row,
  templates: { readonly prompt: Template; readonly answer: Template },
  scorer: AskingScorer,
  problems: SuiteProblems,
): readonly Asked[] {
  try {
    const [question, answer] = [renderTemplate(templates.prompt, fields), renderTemplate(templates.answer, fields)];
    if (question === '') throw new Error('the prompt is empty, expected at least one character');
    if (answer === '') throw new Error('the answer (`completion`, unless `answer` says otherwise) is empty');
    const choices = scorer.kind === 'multiple-choice' ? readChoices(scorer, fields, templates.answer, answer) : null;
    return [{ id, question, answer: choices?.texts[choices.right] ?? answer, choices }];
  } catch (error) {
    problems.add(where, messageOf(error));
    return [];
  }
}

/** A sample may not be its own example, so one row more is read than is shown. */
async function shotRows(
  folder: string,
  { fewShot, samples }: SamplesDefinition,
  problems: SuiteProblems,
): Promise<readonly Row[]> {
  if (fewShot === undefined) return [];
  return readRows(path.join(folder, fewShot.samples ?? samples), fewShot.count + 1, problems);
}

function shotsFor(
  one: Asked,
  shots: readonly Asked[],
  { fewShot, samples }: SamplesDefinition,
  problems: SuiteProblems,
): readonly Asked[] {
  if (fewShot === undefined) return [];
  const others = shots.filter((shot) => shot.question !== one.question || shot.answer !== one.answer);
  if (others.length < fewShot.count) {
    return problems.fail(
      fewShot.samples ?? samples,
      `it has ${String(others.length)} examples for sample ${one.id}, expected ${String(fewShot.count)}; lower \`fewShot.count\``,
    );
  }
  return others.slice(0, fewShot.count);
}

function toSample(asked: Asked, shots: readonly Asked[], definition: AskingDefinition): SuiteSample {
  const { id, question, answer, choices } = asked;
  const prompt =
    definition.chat === false ? textPrompt(question, shots, definition) : chatPrompt(question, shots, definition.chat);
  return { id, prompt, answer, choices };
}

function textPrompt(question: string, shots: readonly Asked[], { fewShot, scorer }: AskingDefinition): string {
  const delimiter = scorer.kind === 'multiple-choice' ? scorer.delimiter : '';
  const separator = fewShot?.separator ?? '';
  return shots.map((shot) => `${shot.question}${delimiter}${shot.answer}${separator}`).join('') + question;
}

function chatPrompt(
  question: string,
  shots: readonly Asked[],
  chat: true | { readonly system: string },
): readonly ChatMessage[] {
  return [
    ...(chat === true ? [] : [{ role: 'system', content: chat.system }]),
    ...shots.flatMap((shot) => [
      { role: 'user', content: shot.question },
      { role: 'assistant', content: shot.answer },
    ]),
    { role: 'user', content: question },
  ];
}
