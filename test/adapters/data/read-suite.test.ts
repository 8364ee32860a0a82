import { mkdir, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CommandSuite, LmEvalSuite, SamplesSuite } from '../../../activities/ports.ts';
import { readSuite, type SuiteRequest } from '../../../adapters/data/read-suite.ts';
import { temporaryFolder } from '../../support/safetensors.ts';

const QUESTIONS = [
  '{"question":"1+1?","answer":"2","options":["1","2"],"id":"a"}',
  '{"question":"1+2?","answer":"3","options":["3","4"],"id":"b"}',
  '{"question":"2+2?","answer":"4","options":["5","4"],"id":"c"}',
].join('\n');

/** A suite folder; every file by its name. */
async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = path.join(await temporaryFolder(), 'suite');
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
  return folder;
}

async function read(definition: string, samples = QUESTIONS, request: Partial<SuiteRequest> = {}) {
  const folder = await folderOf({ 'suite.yaml': `name: own\n${definition}`, 'q.jsonl': samples, 't.txt': 'some text' });
  return readSuite({ path: folder, ...request });
}

async function readSamples(definition: string, samples = QUESTIONS): Promise<SamplesSuite> {
  const suite = await read(`samples: q.jsonl\n${definition}`, samples);
  if (suite.kind !== 'samples') throw new Error(`it is a suite of the kind ${suite.kind}`);
  return suite;
}

const ASKED = `prompt: 'Q: {question}\\nA:'\nanswer: ' {answer}'\n`.replace(
  `'Q: {question}\\nA:'`,
  `"Q: {question}\\nA:"`,
);

describe('a suite of samples', () => {
  it('fills its templates in, and takes ids where there are some', async () => {
    expect(await readSamples(ASKED)).toEqual({
      ...{ kind: 'samples', name: 'own', unit: 'share', scorer: { kind: 'exact' }, stop: [], maxNewTokens: 256 },
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      samples: [
        { id: 'a', prompt: 'Q: 1+1?\nA:', answer: ' 2', choices: null },
        { id: 'b', prompt: 'Q: 1+2?\nA:', answer: ' 3', choices: null },
        { id: 'c', prompt: 'Q: 2+2?\nA:', answer: ' 4', choices: null },
      ],
    });
  });

  it('numbers its samples where they have no id, and keeps what a stop and a limit say', async () => {
    const suite = await readSamples(
      'limit: 2\nstop: ["\\n"]\nmaxNewTokens: 9\nscorer: numeric\n',
      [1, 2, 3].map(plain).join('\n\n'),
    );
    expect(suite.samples.map(({ id }) => id)).toEqual(['0', '1']);
    expect(suite).toMatchObject({ stop: ['\n'], maxNewTokens: 9, scorer: { kind: 'numeric', tolerance: 0 } });
  });

  it('has numbers and paths in its templates, and braces where they are doubled', async () => {
    const row = '{"x":{"n":7,"deep":{"t":true}},"completion":0.5}';
    const [sample] = (await readSamples(`prompt: '{{x}} {x.n} {x.deep.t}'\n`, row)).samples;
    expect(sample).toMatchObject({ prompt: '{x} 7 true', answer: '0.5' });
  });

  it('puts examples before the prompt, never the sample itself', async () => {
    const suite = await readSamples(`${ASKED}fewShot: { count: 2, separator: '|' }\n`);
    expect(suite.samples.map(({ prompt }) => prompt)).toEqual([
      'Q: 1+2?\nA: 3|Q: 2+2?\nA: 4|Q: 1+1?\nA:',
      'Q: 1+1?\nA: 2|Q: 2+2?\nA: 4|Q: 1+2?\nA:',
      'Q: 1+1?\nA: 2|Q: 1+2?\nA: 3|Q: 2+2?\nA:',
    ]);
  });

  it('takes examples from a file of their own, in its order', async () => {
    const folder = await folderOf({
      'suite.yaml': 'name: own\nsamples: q.jsonl\nfewShot: { samples: shots.jsonl, count: 2 }\n',
      'q.jsonl': plain(1),
      'shots.jsonl': [3, 2, 1].map(plain).join('\n'),
    });
    const suite = await readSuite({ path: folder });
    expect(suite).toMatchObject({ samples: [{ prompt: 'p3c3\n\np2c2\n\np1' }] });
  });

  it('makes turns of its examples where the model is to chat', async () => {
    const turns = (await readSamples(`${ASKED}chat: { system: Be terse. }\nfewShot: { count: 1 }\n`)).samples[0]
      ?.prompt;
    expect(turns).toEqual([
      { role: 'system', content: 'Be terse.' },
      { role: 'user', content: 'Q: 1+2?\nA:' },
      { role: 'assistant', content: ' 3' },
      { role: 'user', content: 'Q: 1+1?\nA:' },
    ]);
    const plainChat = await readSamples(`${ASKED}chat: true\nlimit: 1\n`);
    expect(plainChat.samples[0]?.prompt).toEqual([{ role: 'user', content: 'Q: 1+1?\nA:' }]);
  });

  it('has choices from a field or from a list, and the right one by its text or by its place', async () => {
    const choose = (more: string) => readSamples(`prompt: '{question}'\n${more}`);
    const byText = await choose(
      `answer: '{answer}'\nscorer: { multiple-choice: { choices: options, delimiter: ' ' } }\n`,
    );
    expect(byText.samples.map(({ choices }) => choices?.right)).toEqual([1, 0, 1]);
    expect(byText.samples[1]).toMatchObject({ answer: '3', choices: { texts: ['3', '4'], right: 0 } });
    const listed = await choose(
      `answer: ' {answer}'\nscorer: { multiple-choice: { choices: [' 2', ' {answer}'] } }\nlimit: 2\n`,
    );
    expect(listed.samples[1]).toMatchObject({ answer: ' 3', choices: { texts: [' 2', ' 3'], right: 1 } });
    const byPlace = await readSamples(
      `prompt: q\nanswer: '{answer}'\nscorer: { multiple-choice: { choices: options } }\n`,
      '{"options":["x","y"],"answer":1}',
    );
    expect(byPlace.samples[0]).toMatchObject({ answer: 'y', choices: { texts: ['x', 'y'], right: 1 } });
  });

  it('shows the choice behind its delimiter in examples', async () => {
    const scorer = `scorer: { multiple-choice: { choices: options, delimiter: ' ' } }\nfewShot: { count: 1, separator: ; }\n`;
    const suite = await readSamples(`prompt: '{question}'\nanswer: '{answer}'\n${scorer}`);
    expect(suite.samples[0]?.prompt).toBe('1+2? 3;1+1?');
  });

  it.each([
    ['another stop', 'stop: [x]\n'],
    ['another length', 'maxNewTokens: 7\n'],
    ['another scorer', 'scorer: numeric\n'],
    ['a chat', 'chat: true\n'],
    ['examples', 'fewShot: { count: 1 }\n'],
    ['fewer samples', 'limit: 2\n'],
    ['another prompt', "prompt: '{question} '\n"],
  ])('has another digest with %s', async (_claim, more) => {
    const rows = QUESTIONS.replaceAll('"question"', '"prompt"').replaceAll('"answer"', '"completion"');
    const both = rows.replaceAll('"prompt":"', '"question":"x","prompt":"');
    expect((await readSamples(more, both)).digest).not.toBe((await readSamples('', both)).digest);
  });

  it('has the same digest when files, names and fields that are not asked for change', async () => {
    const suite = await readSamples(ASKED);
    const folder = await folderOf({
      'suite.yaml': `# a comment\nname: other\nharness: onnx\nsamples: z.jsonl\nmaxNewTokens: 256\n${ASKED}`,
      'z.jsonl': QUESTIONS.replaceAll('"options"', '"unused"'),
    });
    expect((await readSuite({ path: folder, name: 'named' })).digest).toBe(suite.digest);
  });
});

function plain(number: number): string {
  return JSON.stringify({ prompt: `p${String(number)}`, completion: `c${String(number)}` });
}

describe('a suite without suite.yaml', () => {
  it('is exact prompts and answers in a .jsonl file, of the same digest as in a folder', async () => {
    const folder = await folderOf({ 'sums.jsonl': plain(1), 'suite.yaml': 'name: x\nsamples: sums.jsonl\n' });
    const bare = await readSuite({ path: path.join(folder, 'sums.jsonl') });
    expect(bare).toMatchObject({ kind: 'samples', name: 'sums', scorer: { kind: 'exact' } });
    expect(bare.digest).toBe((await readSuite({ path: folder })).digest);
  });

  it('is the perplexity of a .txt file, whose windows a limit counts', async () => {
    const folder = await folderOf({ 'wiki.txt': '\ufeffone text\n' });
    const suite = await readSuite({ path: path.join(folder, 'wiki.txt'), limit: 3 });
    expect(suite).toMatchObject({
      ...{ kind: 'text', name: 'wiki', unit: 'nats', contextTokens: 1024, stride: null, windows: 3 },
      documents: [{ id: null, text: 'one text\n' }],
    });
  });

  it('is nothing else', async () => {
    const folder = await folderOf({ 'sums.csv': 'a,b' });
    await expect(readSuite({ path: path.join(folder, 'sums.csv') })).rejects.toThrow('a .jsonl or a .txt file');
    await expect(readSuite({ path: path.join(folder, 'none') })).rejects.toThrow('there is no such file or folder');
  });
});

describe('a suite of documents', () => {
  it('has one sample for each, under its id, and a context of its own', async () => {
    const rows = '{"text":"one","id":7}\n{"text":"two","id":"b"}\n';
    const suite = await read('samples: q.jsonl\nscorer: { perplexity: { contextTokens: 64, stride: 32 } }\n', rows);
    expect(suite).toMatchObject({
      ...{ kind: 'text', contextTokens: 64, stride: 32, windows: null },
      documents: [
        { id: '7', text: 'one' },
        { id: 'b', text: 'two' },
      ],
    });
  });
});

describe('a suite of another harness', () => {
  const LM_EVAL = 'harness: lm-eval\ntask: sums\nmetric: exact_match,strict\nincludePath: .\n';
  const COMMAND = "harness: command\ncommand: [./score, '{model}', '{output}']\n";

  it('of lm-eval names a task, and has another digest when any file beside it changes', async () => {
    const files = { 'suite.yaml': `name: own\n${LM_EVAL}`, 'tasks/sums.yaml': 'task: sums\n' };
    const suite = (await readSuite({ path: await folderOf(files), harness: 'lm-eval' })) as LmEvalSuite;
    expect(suite).toMatchObject({ kind: 'lm-eval', unit: 'share', definition: { task: 'sums', batchSize: 8 } });
    const renamed = { ...files, 'suite.yaml': `name: other\n${LM_EVAL}`, '__pycache__/x.pyc': 'x', '.hidden': 'y' };
    expect((await readSuite({ path: await folderOf(renamed) })).digest).toBe(suite.digest);
    const changed = { ...files, 'tasks/sums.yaml': 'task: sums\nrepeats: 2\n' };
    expect((await readSuite({ path: await folderOf(changed) })).digest).not.toBe(suite.digest);
    const another = { ...files, 'suite.yaml': `name: own\n${LM_EVAL}limit: 5\n` };
    expect((await readSuite({ path: await folderOf(another) })).digest).not.toBe(suite.digest);
  });

  it('of a program may name the samples that must come back', async () => {
    const files = { 'suite.yaml': `name: own\n${COMMAND}ids: q.jsonl\nunit: nats\n`, 'q.jsonl': QUESTIONS };
    const suite = (await readSuite({ path: await folderOf(files) })) as CommandSuite;
    expect(suite).toMatchObject({ kind: 'command', unit: 'nats', ids: ['a', 'b', 'c'] });
    expect(path.isAbsolute(suite.folder)).toBe(true);
  });

  it.each([
    ['a limit on a program', COMMAND, { limit: 3 }, 'leave --limit out'],
    [
      'another harness than asked for',
      COMMAND,
      { harness: 'onnx' as const },
      'it is for the harness command, asked for is onnx',
    ],
    ['a command without {output}', 'harness: command\ncommand: [./score]\n', {}, '{output}'],
    ['a folder of tasks that is not there', LM_EVAL.replace('.\n', 'tasks\n'), {}, 'includePath` is tasks'],
    ['a folder of tasks elsewhere', LM_EVAL.replace('.\n', '../tasks\n'), {}, 'name a folder beside suite.yaml'],
    ['a metric that is none', LM_EVAL.replace('exact_match,strict', 'a,b,c'), {}, 'METRIC,FILTER'],
    ['an unknown harness', 'harness: helm\n', {}, '`harness` is "helm", expected onnx, lm-eval, command'],
  ])('is refused with %s', async (_claim, definition, request, why) => {
    const refused = read(definition, QUESTIONS, request);
    await expect(refused).rejects.toThrow(expect.objectContaining({ code: 'SUITE_INVALID' }) as Error);
    await expect(refused).rejects.toThrow(why);
  });
});

describe('what is wrong with a suite', () => {
  it('is said all at once, by file and line, with every problem among the details', async () => {
    const rows = [
      plain(1),
      '[]',
      '{"prompt":"p"}',
      'oops',
      '{"prompt":"p","completion":"c","id":1.5}',
      '7',
      '{"prompt":3}',
    ];
    const refused = read('samples: q.jsonl\n', rows.join('\n'));
    await expect(refused).rejects.toMatchObject({
      code: 'SUITE_INVALID',
      details: {
        problems: [
          'q.jsonl:2: found a list, expected a JSON object',
          expect.stringMatching(/^q\.jsonl:4: it is no JSON \(/),
          'q.jsonl:5: `id` is 1.5, expected text or a whole number',
          'q.jsonl:6: found 7, expected a JSON object',
          'q.jsonl:3: found no field `completion`; it has prompt',
          'q.jsonl:7: found no field `completion`; it has prompt',
        ],
      },
    });
    await expect(refused).rejects.toThrow(/and 1 more like these\.$/);
  });

  it('is said by the line of suite.yaml', async () => {
    const refused = read('samples: ../q.jsonl\nscorer: judge\nstop: x\nfoo: 1\n');
    await expect(refused).rejects.toMatchObject({
      details: {
        problems: [
          'suite.yaml:2: `samples`: name a .jsonl or .txt file beside suite.yaml',
          'suite.yaml:3: `scorer`: `judge`: no such scorer; there are exact, regex, numeric, multiple-choice and perplexity',
          'suite.yaml:4: `stop`: expected array, received string',
          'suite.yaml:5: `foo`: no such key; correct it or leave it out',
        ],
      },
    });
  });

  it.each([
    [
      'an id twice',
      'samples: q.jsonl\n',
      `${plain(1)}\n{"prompt":"p","completion":"c","id":"0"}`,
      'its id `0` is that of q.jsonl:1',
    ],
    ['a brace alone', "samples: q.jsonl\nprompt: '{question'\n", QUESTIONS, '`prompt`: `{` stands alone'],
    [
      'a field that is a list',
      "samples: q.jsonl\nprompt: '{options}'\n",
      QUESTIONS,
      'field `options` is a list or an object',
    ],
    [
      'a field that only every object has',
      "samples: q.jsonl\nprompt: '{constructor}'\n",
      QUESTIONS,
      'no field `constructor`',
    ],
    ['an empty prompt', 'samples: q.jsonl\n', '{"prompt":"","completion":"c"}', 'the prompt is empty'],
    [
      'too few examples',
      `samples: q.jsonl\n${ASKED}fewShot: { count: 3 }\n`,
      QUESTIONS,
      'it has 2 examples for sample a, expected 3',
    ],
    [
      'an expression that is none',
      'samples: q.jsonl\nscorer: { regex: { pattern: "(" } }\n',
      QUESTIONS,
      'correct the expression',
    ],
    [
      'a flag that is none',
      'samples: q.jsonl\nscorer: { regex: { pattern: x, flags: g } }\n',
      QUESTIONS,
      'use the flags i, m, s, u',
    ],
    ['two scorers', 'samples: q.jsonl\nscorer: { exact: {}, numeric: {} }\n', QUESTIONS, 'name one scorer'],
    ['a text that is to be answered', 'samples: t.txt\n', QUESTIONS, 'a text has perplexity and nothing else'],
    [
      'a stop for what is not written',
      'samples: t.txt\nscorer: perplexity\nstop: [x]\n',
      QUESTIONS,
      '`stop`: the scorer perplexity makes no use of it',
    ],
    [
      'a stride beyond the context',
      'samples: t.txt\nscorer: { perplexity: { contextTokens: 8, stride: 9 } }\n',
      QUESTIONS,
      'expected at most contextTokens (8)',
    ],
    [
      'an answer that is no choice',
      "samples: q.jsonl\nprompt: q\nanswer: '{answer}.'\nscorer: { multiple-choice: { choices: options } }\n",
      QUESTIONS,
      'the answer `2.` is none of the choices `1`, `2`',
    ],
    [
      'a place beyond the choices',
      "samples: q.jsonl\nprompt: q\nanswer: '{n}'\nscorer: { multiple-choice: { choices: options } }\n",
      '{"n":2,"options":["a","b"]}',
      'the answer is choice 2, expected 0 to 1',
    ],
    [
      'one choice',
      "samples: q.jsonl\nprompt: q\nanswer: '{n}'\nscorer: { multiple-choice: { choices: options } }\n",
      '{"n":0,"options":["a"]}',
      'found 1 choice',
    ],
    ['YAML that is none', 'samples: [\n', QUESTIONS, 'suite.yaml:3'],
    ['no keys', '', QUESTIONS, '`samples`: it is missing, expected string'],
  ])('is said by name: %s', async (_claim, definition, samples, why) => {
    const refused = read(definition, samples);
    await expect(refused).rejects.toThrow(
      expect.objectContaining({ code: 'SUITE_INVALID', retryable: false }) as Error,
    );
    await expect(refused).rejects.toThrow(why);
  });

  it('is a file that is too large to take in, before it is read', async () => {
    const folder = await folderOf({ 'suite.yaml': 'name: x\nsamples: q.jsonl\n', 'q.jsonl': '' });
    await truncate(path.join(folder, 'q.jsonl'), 256 * 2 ** 20 + 1);
    await expect(readSuite({ path: folder })).rejects.toThrow(
      'q.jsonl: it has 268435457 bytes, expected at most 268435456',
    );
  });

  it('is a file that is no UTF-8', async () => {
    const folder = await folderOf({ 'suite.yaml': 'name: x\nsamples: q.jsonl\n' });
    await writeFile(path.join(folder, 'q.jsonl'), Uint8Array.of(0x7b, 0xff));
    await expect(readSuite({ path: folder })).rejects.toThrow('q.jsonl: it is no UTF-8 text');
  });
});
