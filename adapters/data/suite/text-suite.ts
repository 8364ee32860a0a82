import path from 'node:path';
import type { TextSuite } from '../../../activities/ports.ts';
import { messageOf } from '../../../contracts/error.ts';
import type { SamplesDefinition, Scorer } from '../../../contracts/suite.schema.ts';
import { canonicalJson } from '../../store/canonical-json.ts';
import { readBoundedText } from './read-bounded-text.ts';
import { readRows } from './read-rows.ts';
import type { SuiteProblems } from './suite-problems.ts';
import { parseTemplate, renderTemplate } from './template.ts';

const CONTEXT_TOKENS = 1024;

type PerplexityDefinition = SamplesDefinition & { readonly scorer: Extract<Scorer, { readonly kind: 'perplexity' }> };

/**
 * Builds a suite of texts: the rows of a JSONL file (the field `text`, unless `answer` says otherwise), each a document and
 * a sample; or one .txt file, whose windows are the samples. @throws SUITE_INVALID
 */
export async function textSuite(
  {
    name,
    folder,
    definition,
  }: { readonly name: string; readonly folder: string; readonly definition: PerplexityDefinition },
  problems: SuiteProblems,
): Promise<TextSuite> {
  const { samples, scorer } = definition;
  const { contextTokens = CONTEXT_TOKENS, stride = null } = scorer;
  if (stride !== null && stride > contextTokens) {
    problems.add(
      'suite.yaml',
      `\`scorer.perplexity.stride\` is ${String(stride)}, expected at most contextTokens (${String(contextTokens)})`,
    );
  }
  const file = path.join(folder, samples);
  const isText = samples.endsWith('.txt');
  const documents = isText ? [await wholeText(file, problems)] : await documentsOf(file, definition, problems);
  problems.assertNone();
  const content = {
    kind: 'text' as const,
    documents,
    contextTokens,
    stride,
    windows: isText ? (definition.limit ?? null) : null,
  };
  return { ...content, name, unit: 'nats', digest: canonicalJson(content).sha256 };
}

async function wholeText(file: string, problems: SuiteProblems): Promise<TextSuite['documents'][number]> {
  const text = await readBoundedText(file, problems);
  if (text.trim() === '') return problems.fail(path.basename(file), 'it has no text');
  return { id: null, text };
}

async function documentsOf(
  file: string,
  { answer = '{text}', limit }: PerplexityDefinition,
  problems: SuiteProblems,
): Promise<TextSuite['documents']> {
  const rows = await readRows(file, limit ?? null, problems);
  return rows.flatMap(({ id, where, fields }) => {
    try {
      const text = renderTemplate(parseTemplate(answer), fields);
      if (text === '') throw new Error('the text is empty, expected at least one character');
      return [{ id, text }];
    } catch (error) {
      problems.add(where, messageOf(error));
      return [];
    }
  });
}
