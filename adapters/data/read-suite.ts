import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Suite } from '../../activities/ports.ts';
import type { HarnessName } from '../../contracts/suite.schema.ts';
import { commandSuite, lmEvalSuite } from './suite/program-suite.ts';
import { readBoundedText } from './suite/read-bounded-text.ts';
import { readDefinition, type SuiteDefinition } from './suite/read-definition.ts';
import { samplesSuite } from './suite/samples-suite.ts';
import { SuiteProblems } from './suite/suite-problems.ts';
import { textSuite } from './suite/text-suite.ts';

export interface SuiteRequest {
  /** A folder with suite.yaml, a .jsonl file of {prompt, completion}, or a .txt file for perplexity. */
  readonly path: string;
  /** What it is called; its own name unless given. */
  readonly name?: string | undefined;
  /** What the suite has to be for; whatever it is for unless given. */
  readonly harness?: HarnessName | undefined;
  /** Only the first so many samples, whatever its own limit is. */
  readonly limit?: number | undefined;
}

/**
 * Reads an evaluation set and checks all of it. The digest covers what is asked and how it is judged, not what files and
 * suites are called.
 *
 * Errors: SUITE_INVALID, with every problem by file and line.
 */
export async function readSuite({ path: place, name, harness, limit }: SuiteRequest): Promise<Suite> {
  const problems = new SuiteProblems(`Suite ${name === undefined ? '' : `\`${name}\` at `}${place}`);
  const found = await locate(place, problems);
  const { folder } = found;
  if (harness !== undefined && harness !== found.definition.harness) {
    problems.fail(
      found.definition.harness === 'onnx' ? path.basename(place) : 'suite.yaml',
      `it is for the harness ${found.definition.harness}, asked for is ${harness}; change either`,
    );
  }
  const definition = limit === undefined ? found.definition : withLimit(found.definition, limit, problems);
  const common = { name: name ?? definition.name, folder };
  switch (definition.harness) {
    case 'onnx': {
      const { scorer } = definition;
      return scorer.kind === 'perplexity'
        ? textSuite({ ...common, definition: { ...definition, scorer } }, problems)
        : samplesSuite({ ...common, definition: { ...definition, scorer } }, problems);
    }
    case 'lm-eval':
      return lmEvalSuite({ ...common, definition }, problems);
    case 'command':
      return commandSuite({ ...common, definition }, problems);
  }
}

async function locate(
  place: string,
  problems: SuiteProblems,
): Promise<{ readonly folder: string; readonly definition: SuiteDefinition }> {
  const found = await stat(place).catch(() => null);
  if (found === null) return problems.fail(path.basename(place), 'there is no such file or folder');
  if (found.isDirectory()) {
    const text = await readBoundedText(path.join(place, 'suite.yaml'), problems);
    return { folder: path.resolve(place), definition: readDefinition(text, problems) };
  }
  const { dir, name, ext, base } = path.parse(path.resolve(place));
  if (ext !== '.jsonl' && ext !== '.txt') {
    return problems.fail(base, 'expected a folder with suite.yaml, a .jsonl or a .txt file');
  }
  const scorer = ext === '.txt' ? ({ kind: 'perplexity' } as const) : ({ kind: 'exact' } as const);
  return { folder: dir, definition: { name, harness: 'onnx', samples: base, chat: false, scorer } };
}

function withLimit(definition: SuiteDefinition, limit: number, problems: SuiteProblems): SuiteDefinition {
  if (definition.harness !== 'command') return { ...definition, limit };
  return problems.fail('suite.yaml', 'a program of your own decides how many samples it scores; leave --limit out');
}
