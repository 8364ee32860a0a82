import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { messageOf, RegraftError } from '../../../contracts/error.ts';

const PACKAGES = ['lm_eval', 'transformers', 'tokenizers', 'torch'] as const;
const versionsSchema = z.strictObject({
  lm_eval: z.string().regex(/^0\.4\./),
  transformers: z.string(),
  tokenizers: z.string(),
  torch: z.string(),
});
/** Versions of lm-eval and of what computes beneath it. */
export type LmEvalVersions = z.output<typeof versionsSchema>;

const SCRIPT = `import importlib.metadata as m, json; print(json.dumps({n: m.version(n) for n in ${JSON.stringify(PACKAGES)}}))`;

/** Asks a Python which lm-eval it has; nothing heavy is imported. @throws EVALUATE_LM_EVAL_MISSING */
export async function lmEvalVersions(
  python: string,
  environment: Readonly<Record<string, string>>,
): Promise<LmEvalVersions> {
  try {
    const { stdout } = await promisify(execFile)(python, ['-c', SCRIPT], { env: environment });
    return versionsSchema.parse(JSON.parse(stdout));
  } catch (cause) {
    const why = messageOf(cause).trimEnd().split('\n').at(-1) ?? '';
    throw new RegraftError(
      'EVALUATE_LM_EVAL_MISSING',
      `Python ${python} has no lm-eval 0.4 (${why}); install requirements-evaluation.txt for it, or name another in REGRAFT_LM_EVAL_PYTHON.`,
      { cause },
    );
  }
}
