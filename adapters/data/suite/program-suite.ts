import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { CommandSuite, LmEvalSuite } from '../../../activities/ports.ts';
import type { CommandDefinition, LmEvalDefinition } from '../../../contracts/suite.schema.ts';
import { canonicalJson } from '../../store/canonical-json.ts';
import { folderFiles } from './folder-files.ts';
import { readRows } from './read-rows.ts';
import type { SuiteProblems } from './suite-problems.ts';

interface Place {
  readonly name: string;
  readonly folder: string;
}

/** A suite that lm-eval scores; its digest covers every file of the folder. @throws SUITE_INVALID */
export async function lmEvalSuite(
  { name, folder, definition }: Place & { readonly definition: LmEvalDefinition },
  problems: SuiteProblems,
): Promise<LmEvalSuite> {
  const { includePath } = definition;
  if (includePath !== undefined) {
    const found = await stat(path.join(folder, includePath)).catch(() => null);
    if (found?.isDirectory() !== true) {
      problems.fail(
        'suite.yaml',
        `\`includePath\` is ${includePath}, expected a folder in ${folder} with the task's files`,
      );
    }
  }
  const digest = await digestOf(folder, definition, problems);
  return { kind: 'lm-eval', name, unit: definition.unit, digest, folder, definition };
}

/** A suite that a program scores; its digest covers every file of the folder. @throws SUITE_INVALID */
export async function commandSuite(
  { name, folder, definition }: Place & { readonly definition: CommandDefinition },
  problems: SuiteProblems,
): Promise<CommandSuite> {
  const rows = definition.ids === undefined ? null : await readRows(path.join(folder, definition.ids), null, problems);
  problems.assertNone();
  const digest = await digestOf(folder, definition, problems);
  const ids = rows?.map(({ id }) => id) ?? null;
  return { kind: 'command', name, unit: definition.unit, digest, folder, definition, ids };
}

async function digestOf(
  folder: string,
  definition: LmEvalDefinition | CommandDefinition,
  problems: SuiteProblems,
): Promise<string> {
  const files = await folderFiles(folder, problems);
  return canonicalJson({ definition: { ...definition, name: null }, files }).sha256; // a name decides nothing
}
