import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
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
      {
        details: { file, problems },
      },
    );
  }
  return withAbsolutePaths(parsed.data, path.dirname(path.resolve(file)), path.resolve(home));
}

async function readYaml(file: string): Promise<unknown> {
  try {
    return parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new RegraftError(
      'SPEC_UNREADABLE',
      `${file} cannot be read as YAML: ${messageOf(error)}; name a lineage file such as configs/demo.yaml.`,
      { cause: error },
    );
  }
}

function withAbsolutePaths(spec: LineageSpec, folder: string, home: string): LineageSpec {
  const absolute = (value: string): string =>
    value.startsWith('{home}') ? path.join(home, value.slice('{home}'.length)) : path.resolve(folder, value);
  return {
    ...spec,
    family: { ...spec.family, folder: absolute(spec.family.folder) },
    finetune: { ...spec.finetune, dataset: absolute(spec.finetune.dataset) },
    evaluate: spec.evaluate.map((suite) => ({ ...suite, suite: absolute(suite.suite) })),
    publish: spec.publish.map((target) => ({ ...target, folder: absolute(target.folder) })),
  };
}
