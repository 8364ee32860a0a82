import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import { messageOf, RegraftError } from '../contracts/error.ts';
import { lineageSpecSchema, type LineageSpec } from '../contracts/lineage-spec.schema.ts';
import { explainIssues } from './explain-issues.ts';

/**
 * Reads a lineage file: YAML, checked in full, every problem at once. Paths in it are relative to the file itself;
 * `{home}` at their beginning stands for Regraft's home folder. The result has absolute paths and all defaults.
 *
 * @throws RegraftError SPEC_UNREADABLE, SPEC_INVALID
 */
export async function loadLineageSpec(file: string, home: string): Promise<LineageSpec> {
  const value = await readYaml(file);
  const parsed = lineageSpecSchema.safeParse(value);
  if (!parsed.success) {
    const problems = explainIssues(parsed.error.issues, value, lineageSpecSchema);
    throw new RegraftError(
      'SPEC_INVALID',
      `${file} is no valid lineage:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
      { details: { file, problems } },
    );
  }
  return withAbsolutePaths(parsed.data, path.dirname(path.resolve(file)), path.resolve(home));
}

async function readYaml(file: string): Promise<unknown> {
  let text;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw unreadable(`${file} ${whyUnread(error)}; name a lineage file such as configs/demo.yaml.`, error);
  }
  try {
    return parse(text);
  } catch (error) {
    throw unreadable(`${file} is no valid YAML: ${whyUnparsed(error, text)}`, error);
  }
}

function whyUnread(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'ENOENT') return 'does not exist';
  if (code === 'EISDIR') return 'is a folder';
  return `cannot be read: ${messageOf(error)}`;
}

function whyUnparsed(error: unknown, text: string): string {
  if (error instanceof YAMLParseError && error.code === 'MULTIPLE_DOCS') {
    return 'it holds several documents divided by `---`; write each lineage into a file of its own.';
  }
  const hint = /[^'"]\{home\}/.test(text) ? "\nA path that begins with {home} needs quotes: '{home}/task'." : '';
  return `${messageOf(error).trimEnd()}${hint}`;
}

function unreadable(message: string, cause: unknown): RegraftError {
  return new RegraftError('SPEC_UNREADABLE', message, { cause });
}

function withAbsolutePaths(spec: LineageSpec, folder: string, home: string): LineageSpec {
  const absolute = (value: string): string => {
    if (value.startsWith('secret://')) return value; // workers know the path
    return value.startsWith('{home}') ? path.join(home, value.slice('{home}'.length)) : path.resolve(folder, value);
  };
  return {
    ...spec,
    family: { ...spec.family, ...(spec.family.folder !== undefined && { folder: absolute(spec.family.folder) }) },
    finetune: {
      ...spec.finetune,
      dataset: spec.finetune.dataset.startsWith('hub://') ? spec.finetune.dataset : absolute(spec.finetune.dataset),
      ...(spec.finetune.accelerate !== undefined && { accelerate: absolute(spec.finetune.accelerate) }),
    },
    evaluate: spec.evaluate.map((suite) => ({ ...suite, suite: absolute(suite.suite) })),
    ...(spec.probe !== undefined && { probe: { ...spec.probe, suite: absolute(spec.probe.suite) } }),
    publish: spec.publish.map((target) => ({ ...target, folder: absolute(target.folder) })),
  };
}
