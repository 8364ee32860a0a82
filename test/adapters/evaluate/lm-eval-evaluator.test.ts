import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Suite, Workspace } from '../../../activities/ports.ts';
import { readSuite } from '../../../adapters/data/read-suite.ts';
import { createLmEvalEvaluator } from '../../../adapters/evaluate/lm-eval-evaluator.ts';
import { createOnnxEvaluator } from '../../../adapters/evaluate/onnx-evaluator.ts';
import { openFsWorkspace } from '../../../adapters/workspace/fs-workspace.ts';
import { meanResults } from '../../../policy/mean-results.ts';
import { PROJECT_ROOT, trainerEnvironment } from '../../../workers/settings.ts';
import { temporaryFolder } from '../../support/safetensors.ts';
import { makeTinyModel } from './tiny-model.ts';

const PYTHON = path.join(PROJECT_ROOT, '.venv-evaluation', 'bin', 'python');
const environment = trainerEnvironment(process.env);
const ROWS = Array.from({ length: 12 }, (_, index) => ({
  q: `${'abcdef'.slice(index % 5)}${index % 3 === 0 ? ' ' : ''}=`,
  c: [`a${String(index)}`, 'bcd'.slice(index % 3), 'f#+9'.slice(0, 1 + (index % 4))],
  a: index % 3,
}));
const TASK = `
task: pick
dataset_path: json
dataset_kwargs: { data_files: { test: q.jsonl } }
test_split: test
output_type: multiple_choice
doc_to_text: '{{q}}'
doc_to_choice: '{{c}}'
doc_to_target: '{{a}}'
target_delimiter: ' '
metric_list: [{ metric: acc }, { metric: acc_norm }]
`;

let root: string;
let folder: string;
let scratch: Workspace;

beforeAll(async () => {
  ({ root, folder } = await makeTinyModel({ score: [], write: [], chat: [], text: 'ab' }));
  scratch = await openFsWorkspace(path.join(root, 'work'));
}, 120_000);

afterAll(() => rm(root, { recursive: true, force: true }));

/** The real Python, which leaves a copy of what lm-eval wrote in root/kept. */
async function keepingPython(): Promise<string> {
  const python = path.join(root, 'python');
  const keep = `while [ "$1" != --output_path ]; do shift; done; cp -r "$2" "${root}/kept"`;
  await writeFile(python, `#!/bin/sh\n"${PYTHON}" "$@" || exit\n[ "$1" = -c ] && exit\n${keep}\n`);
  await chmod(python, 0o755);
  return python;
}

const loggedSchema = z.looseObject({
  doc_id: z.int(),
  resps: z.array(z.tuple([z.tuple([z.string(), z.string()])])),
});

async function evaluate(evaluator: { evaluate: ReturnType<typeof createOnnxEvaluator>['evaluate'] }, suite: Suite) {
  const seen: (readonly [number, number])[] = [];
  const signal = new AbortController().signal;
  const onProgress = (done: number, total: number): unknown => seen.push([done, total]);
  const results = await evaluator.evaluate({ modelFolder: folder, suite, signal, onProgress });
  return { results, seen };
}

describe('lm-eval', () => {
  it('agrees with onnx on the same questions, choice by choice, offline and from the folder of the suite', async () => {
    const suites = await Promise.all(
      [
        'harness: lm-eval\ntask: pick\nmetric: acc\nincludePath: .\nbatchSize: 4\n',
        "samples: q.jsonl\nprompt: '{q}'\nanswer: '{a}'\nscorer: { multiple-choice: { choices: c, delimiter: ' ' } }\n",
      ].map(async (definition, index) => {
        const place = path.join(root, `suite, ${String(index)}`);
        await mkdir(place);
        await writeFile(path.join(place, 'suite.yaml'), `name: pick\n${definition}`);
        await writeFile(path.join(place, 'pick.yaml'), TASK);
        await writeFile(path.join(place, 'q.jsonl'), ROWS.map((row) => JSON.stringify(row)).join('\n'));
        return readSuite({ path: place });
      }),
    );
    const lmEval = createLmEvalEvaluator({ python: await keepingPython(), environment, scratch });
    const [theirs, ours] = [
      await evaluate(lmEval, suites[0]!),
      await evaluate(createOnnxEvaluator({ threads: 1 }), suites[1]!),
    ];
    const choices = ({ results }: typeof ours) =>
      results.map(({ id, outcome, answer }) => [id, outcome, answer?.trim()]);
    expect(choices(theirs)).toEqual(choices(ours));
    expect(new Set(ours.results.map(({ outcome }) => outcome))).toEqual(new Set([0, 1]));
    expect(meanResults(theirs.results)).toMatchObject({ score: meanResults(ours.results).score, lossNats: null });
    expect(theirs.seen.at(-1)).toEqual([36, 36]);

    const kept = (await readdir(path.join(root, 'kept'), { recursive: true })).find((file) => file.endsWith('.jsonl'));
    const rows = (await readFile(path.join(root, 'kept', kept ?? ''), 'utf8')).trim().split('\n');
    expect(rows).toHaveLength(ROWS.length);
    for (const { doc_id: index, resps } of rows.map((line) => loggedSchema.parse(JSON.parse(line)))) {
      const { lossNats, answerTokens } = ours.results[index]!;
      expect(Number(resps[ROWS[index]!.a]?.[0]?.[0])).toBeCloseTo(-(lossNats ?? NaN) * answerTokens, 4);
    }

    const identity = await lmEval.identity(suites[0]!);
    expect(identity).toMatchObject({ name: 'lm-eval', version: expect.stringMatching(/^0\.4\./) });
  }, 180_000);
});

/** A stand-in for Python: tells versions, and then runs a line of shell with $OUT, where results go. */
async function standIn(
  script: string,
  versions = '{"lm_eval":"0.4.9","transformers":"5","tokenizers":"1","torch":"2"}',
) {
  const python = path.join(await temporaryFolder(), 'python');
  const body = `#!/bin/sh
if [ "$1" = -c ]; then echo x >> "$0.asked"; echo '${versions}'; exit; fi
echo "$@" > "$0.args"; env > "$0.env"; pwd > "$0.folder"
while [ "$1" != --output_path ]; do shift; done; OUT="$2/m"; mkdir "$OUT"
${script}
`;
  await writeFile(python, body);
  await chmod(python, 0o755);
  return python;
}

const suiteOf = (metric = 'acc'): Suite => ({
  ...{ kind: 'lm-eval', name: 'pick', digest: 'd', unit: 'share', folder: root },
  definition: {
    ...{ name: 'pick', harness: 'lm-eval', task: 'pick', metric, unit: 'share', includePath: 'tasks', limit: 2 },
    ...{ numFewshot: 3, applyChatTemplate: true, batchSize: 8, dtype: 'float32', device: 'cpu' },
  },
});
const DATE = '2026-01-02T03-04-05.6';
const row = (id: number, more: object = {}) => ({ doc_id: id, filter: 'none', filtered_resps: ['x'], acc: 1, ...more });

function results(effective: number, rows: readonly object[], name = `samples_pick_${DATE}.jsonl`): string {
  const summary = JSON.stringify({ 'n-samples': { pick: { original: 9, effective } } });
  const lines = rows.map((each) => `echo '${JSON.stringify(each)}' >> "$OUT/${name}"`);
  return [`echo '${summary}' > "$OUT/results_${DATE}.json"`, ...lines].join('\n');
}

async function evaluateWith(script: string, metric?: string) {
  return evaluate(createLmEvalEvaluator({ python: await standIn(script), environment, scratch }), suiteOf(metric));
}

describe('what lm-eval wrote', () => {
  it('is read by document, of the metric and the filter that count', async () => {
    const rows = [
      row(1, { filter: 'strict', exact_match: 0.5, filtered_resps: [['b']] }),
      row(1, { filter: 'loose', exact_match: 1 }),
      row(0, { filter: 'strict', exact_match: true, filtered_resps: ['a'] }),
      row(0, { filter: 'loose', exact_match: 1 }),
    ];
    const read = await evaluateWith(results(2, rows), 'exact_match,strict');
    const rest = { weight: 1, lossNats: null, answerTokens: 0 };
    expect(read.results).toEqual([
      { id: '0', outcome: 1, answer: 'a', ...rest },
      { id: '1', outcome: 0.5, answer: 'b', ...rest },
    ]);
    await expect(evaluateWith(results(2, rows), 'exact_match')).rejects.toThrow('found the filters strict, loose');
    await expect(evaluateWith(results(2, rows), 'exact_match,lax')).rejects.toThrow('not exact_match,lax');
  });

  it.each([
    ['a document is missing', results(2, [row(0)]), 'found 1 rows of 1 documents, expected one for each of 2'],
    ['a document is there twice', results(2, [row(0), row(0)]), 'found 2 rows of 1 documents'],
    [
      'a metric is missing',
      results(1, [row(0, { acc: undefined, metrics: ['f1'] })]),
      'has nothing for acc, expected a number from 0 to 1 (its metrics: f1)',
    ],
    ['a metric is no share', results(1, [row(0, { acc: 2 })]), 'document 0 has 2 for acc'],
    ['a metric is null', results(1, [row(0, { acc: null })]), 'document 0 has null for acc'],
    [
      'a line is cut off',
      `${results(1, [row(0)])}\nprintf '{"doc_id": 1' >> "$OUT/samples_pick_${DATE}.jsonl"`,
      'row 2 is not whole',
    ],
    [
      'a document has no number',
      results(1, [{ filter: 'none', filtered_resps: [], acc: 1 }]),
      'row 1 is not whole, or not as lm-eval',
    ],
    [
      'there is no summary',
      `echo '${JSON.stringify(row(0))}' > "$OUT/samples_pick_${DATE}.jsonl"`,
      'expected one samples file of the task pick and a summary',
    ],
    [
      'another task was run',
      results(1, [row(0)], `samples_pick_two_${DATE}.jsonl`),
      'expected one samples file of the task pick',
    ],
    ['nothing was written', 'true', 'expected one samples file'],
  ])('is refused when %s', async (_claim, script, why) => {
    const refused = evaluateWith(script);
    await expect(refused).rejects.toThrow(expect.objectContaining({ code: 'EVALUATE_RESULTS_INVALID' }) as Error);
    await expect(refused).rejects.toThrow(why);
  });

  it('is asked for with every setting, offline and on one thread', async () => {
    const python = await standIn(results(1, [row(0)]));
    await evaluate(createLmEvalEvaluator({ python, environment, scratch }), suiteOf());
    const args = await readFile(`${python}.args`, 'utf8');
    expect(args).toContain(
      `-m lm_eval run --model hf --model_args {"pretrained":"${folder}","dtype":"float32"} --tasks pick`,
    );
    expect(args).toContain(
      '--device cpu --batch_size 8 --include_path tasks --num_fewshot 3 --limit 2 --apply_chat_template',
    );
    expect(args).toMatch(/--log_samples$/m);
    const env = await readFile(`${python}.env`, 'utf8');
    for (const line of ['HF_HUB_OFFLINE=1', 'HF_DATASETS_OFFLINE=1', 'OMP_NUM_THREADS=1']) expect(env).toContain(line);
    expect((await readFile(`${python}.folder`, 'utf8')).trim()).toBe(root);
  });

  it('is nothing when it fails, and its last words are quoted', async () => {
    const refused = evaluateWith(`${results(1, [row(0)])}\necho "no such task" >&2; exit 2`);
    await expect(refused).rejects.toThrow(expect.objectContaining({ code: 'EVALUATE_PROGRAM_FAILED' }) as Error);
    await expect(refused).rejects.toThrow('ended with exit code 2; its last words:\nno such task');
  });
});

describe('the identity of lm-eval', () => {
  it('is of its version and of what computes beneath it, asked once', async () => {
    const python = await standIn('');
    const evaluator = createLmEvalEvaluator({ python, environment, scratch });
    const identity = await evaluator.identity(suiteOf());
    expect(identity).toMatchObject({ name: 'lm-eval', version: '0.4.9' });
    expect(await evaluator.identity(suiteOf())).toEqual(identity);
    expect(await readFile(`${python}.asked`, 'utf8')).toBe('x\n');
    const other = await standIn('', '{"lm_eval":"0.4.9","transformers":"6","tokenizers":"1","torch":"2"}');
    const otherwise = await createLmEvalEvaluator({ python: other, environment, scratch }).identity(suiteOf());
    expect(otherwise.digest).not.toBe(identity.digest);
  });

  it('is refused for a Python that is not there, that has none, or that has one too old', async () => {
    const olds = '{"lm_eval":"0.3.0","transformers":"5","tokenizers":"1","torch":"2"}';
    for (const python of ['/no/such/python', await standIn('', 'no JSON'), await standIn('', olds)]) {
      const evaluator = createLmEvalEvaluator({ python, environment, scratch });
      const refused = evaluator.identity(suiteOf());
      await expect(refused, python).rejects.toMatchObject({ code: 'EVALUATE_LM_EVAL_MISSING', retryable: false });
      await expect(refused).rejects.toThrow(`Python ${python} has no lm-eval 0.4`);
    }
  });
});
