import path from 'node:path';
import type { CommandSuite, Evaluator, Suite } from '../../activities/ports.ts';
import { fillIn } from '../process/fill-in.ts';
import { harnessIdentity } from './harness-identity.ts';
import { readCommandResults } from './program/command-results.ts';
import { runProgram } from './program/run-program.ts';
import { withOutputFolder, type Scratch } from './program/with-output-folder.ts';
import { suiteUnfit } from './suite-unfit.ts';

/**
 * Scores with a program of the user's: it runs in the suite's folder and writes a line of JSON for every sample to {output}.
 * Its identity is its command line, its version and the files of the suite's folder.
 *
 * Errors: EVALUATE_PROGRAM_MISSING, EVALUATE_PROGRAM_FAILED, EVALUATE_RESULTS_INVALID, EVALUATE_SUITE_UNFIT.
 */
export function createCommandEvaluator({
  environment,
  scratch,
}: {
  /** All that the program sees of this process' environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly scratch: Scratch;
}): Evaluator {
  return {
    name: 'command',
    identity: async (suite) => {
      const { definition, digest } = asCommand(suite);
      // The suite's digest covers the command line and every file beside suite.yaml.
      return Promise.resolve(harnessIdentity('command', definition.version, { suite: digest }));
    },
    async evaluate({ modelFolder, suite, signal, onProgress }) {
      const { definition, folder, ids, unit } = asCommand(suite);
      return withOutputFolder(scratch, 'command', async (out) => {
        const places = { model: path.resolve(modelFolder), suite: folder, output: path.join(out, 'results.jsonl') };
        const command = definition.command.map((word) => fillIn(word, places));
        await runProgram({ command, folder, environment, signal });
        const results = await readCommandResults(places.output, { ids, unit });
        onProgress(results.length, results.length);
        return results;
      });
    },
  };
}

function asCommand(suite: Suite): CommandSuite {
  if (suite.kind === 'command') return suite;
  throw suiteUnfit(suite, 'command');
}
