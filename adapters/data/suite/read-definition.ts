import { isNode, LineCounter, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';
import {
  commandDefinitionSchema,
  lmEvalDefinitionSchema,
  samplesDefinitionSchema,
  type CommandDefinition,
  type HarnessName,
  type LmEvalDefinition,
  type SamplesDefinition,
} from '../../../contracts/suite.schema.ts';
import type { SuiteProblems } from './suite-problems.ts';

export type SuiteDefinition = SamplesDefinition | LmEvalDefinition | CommandDefinition;

const SCHEMAS: Readonly<Record<HarnessName, z.ZodType<SuiteDefinition>>> = {
  onnx: samplesDefinitionSchema,
  'lm-eval': lmEvalDefinitionSchema,
  command: commandDefinitionSchema,
};

/** Reads the text of a suite.yaml by the schema of its harness (`onnx` unless it names one). @throws SUITE_INVALID */
export function readDefinition(text: string, problems: SuiteProblems): SuiteDefinition {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  for (const { message, pos } of document.errors) {
    problems.add(`suite.yaml:${String(lines.linePos(pos[0]).line)}`, firstLine(message));
  }
  problems.assertNone();
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  const parsed = SCHEMAS[harnessOf(value, problems)].safeParse(value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    problems.add(`suite.yaml:${String(lineOf(document, lines, issue))}`, sentenceOf(issue));
  }
  problems.assertNone();
  return problems.fail('suite.yaml', 'it is no suite');
}

function harnessOf(value: unknown, problems: SuiteProblems): HarnessName {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return problems.fail('suite.yaml', 'expected keys with values, such as `samples: samples.jsonl`');
  }
  const harness: unknown = 'harness' in value ? value.harness : 'onnx';
  const names = Object.keys(SCHEMAS);
  const known = (['onnx', 'lm-eval', 'command'] as const).find((name) => name === harness);
  return (
    known ?? problems.fail('suite.yaml', `\`harness\` is ${JSON.stringify(harness)}, expected ${names.join(', ')}`)
  );
}

/** Line of the key that an issue is about, or of the nearest one around it; 1 when there is none. */
function lineOf(document: Document.Parsed, lines: LineCounter, issue: z.core.$ZodIssue): number {
  const [unknownKey] = issue.code === 'unrecognized_keys' ? issue.keys : [];
  const path = [...issue.path, ...(unknownKey === undefined ? [] : [unknownKey])];
  for (let length = path.length; length > 0; length -= 1) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function sentenceOf(issue: z.core.$ZodIssue): string {
  const where = issue.path.length === 0 ? '' : `\`${issue.path.map(String).join('.')}\`: `;
  if (issue.code !== 'unrecognized_keys') {
    const what = issue.message.replace(/^Invalid (input|option): /, '');
    return `${where}${what.replace(/^(expected .*), received undefined$/, 'it is missing, $1')}`;
  }
  const keys = issue.keys.map((key) => `\`${key}\``).join(', ');
  // Only zod's own words begin so.
  const what = issue.message.startsWith('Unrecognized') ? 'no such key; correct it or leave it out' : issue.message;
  return `${where}${keys}: ${what}`;
}

function firstLine(text: string): string {
  return text.split('\n')[0]?.replace(/:$/, '') ?? text;
}
