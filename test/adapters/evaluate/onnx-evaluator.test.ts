import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { SamplesSuite, Suite, TextSuite } from '../../../activities/ports.ts';
import { createOnnxEvaluator } from '../../../adapters/evaluate/onnx-evaluator.ts';
import { meanResults } from '../../../policy/mean-results.ts';
import { digestOf } from '../../support/lineage-values.ts';
import { makeTinyModel, type TransformersAnswers } from './tiny-model.ts';

const PROMPTS = ['abc=', 'fade=', 'b', 'cab+1=', 'dec-9=', 'ffff='];
const CHOICES = ['a', 'bb', 'cde', 'f0', '12', '#'];
const CHATS = [
  [{ role: 'user', content: 'abc' }],
  [
    { role: 'system', content: 'be' },
    { role: 'user', content: 'ad' },
    { role: 'assistant', content: 'x' },
    { role: 'user', content: 'c' },
  ],
];
const TEXT = 'abcdefghij0123456789klmnopqrstuvwxyz+-=>?;:.abc';
const PAIRS = PROMPTS.flatMap((prompt) => CHOICES.map((choice) => [prompt, choice] as const));
const evaluator = createOnnxEvaluator({ threads: 1 });

let root: string;
let folder: string;
let answers: TransformersAnswers;

beforeAll(async () => {
  ({ root, folder, answers } = await makeTinyModel({ score: PAIRS, write: PROMPTS, chat: CHATS, text: TEXT }));
}, 120_000);

afterAll(() => rm(root, { recursive: true, force: true }));

function samplesSuite(more: Partial<SamplesSuite> & Pick<SamplesSuite, 'samples'>): SamplesSuite {
  return {
    ...{ kind: 'samples', name: 's', digest: digestOf('s'), unit: 'share', scorer: { kind: 'exact' } },
    ...{ stop: [], maxNewTokens: 8, ...more },
  };
}

function textSuite(more: Partial<TextSuite>): TextSuite {
  return {
    ...{ kind: 'text', name: 't', digest: digestOf('t'), unit: 'nats', documents: [{ id: null, text: TEXT }] },
    ...{ contextTokens: 1024, stride: null, windows: null, ...more },
  };
}

const ask = (id: string, prompt: string, answer: string) => ({ id, prompt, answer, choices: null });

async function evaluate(suite: Suite, modelFolder = folder, signal = new AbortController().signal) {
  const seen: number[] = [];
  const results = await evaluator.evaluate({
    ...{ modelFolder, suite, signal },
    onProgress: (done, total) => seen.push(done / total),
  });
  return { results, seen };
}

describe('exact answers', () => {
  it('are right where transformers writes them and ends, and are as likely as it says', async () => {
    const wrong = answers.ended.map(([prompt, answer], index) => ask(`wrong ${String(index)}`, prompt, `${answer}a`));
    const right = answers.ended.map(([prompt, answer], index) => ask(`right ${String(index)}`, prompt, answer));
    const { results, seen } = await evaluate(samplesSuite({ samples: [...right, ...wrong] }));
    expect(results.map(({ id, outcome }) => [id, outcome])).toEqual([
      ...right.map(({ id }) => [id, 1]),
      ...wrong.map(({ id }) => [id, 0]),
    ]);
    answers.ended.forEach(([, , nats], index) => {
      const { weight, answer, answerTokens, lossNats } = results[index]!;
      expect({ weight, answer }).toEqual({ weight: 1, answer: null });
      expect((lossNats ?? NaN) * answerTokens).toBeCloseTo(-nats, 4);
    });
    expect(seen.at(-1)).toBe(1);
  });

  it('that are cut at a stop are written out and compared', async () => {
    const samples = PROMPTS.map((prompt, index) => ask(String(index), prompt, ` ${answers.write[index] ?? ''}\n`));
    const { results } = await evaluate(samplesSuite({ samples, stop: ['@'] }));
    expect(results.map(({ answer }) => answer)).toEqual(answers.write);
    expect(results.map(({ outcome }) => outcome)).toEqual(PROMPTS.map(() => 1));
    expect(results[0]).toMatchObject({ lossNats: null, answerTokens: 0, weight: 1 });

    const [longest = ''] = [...answers.write].sort((left, right) => right.length - left.length);
    const stop = longest.slice(2, 4);
    const cut = await evaluate(samplesSuite({ samples, stop: [stop] }));
    expect(cut.results.map(({ answer }) => answer)).toEqual(answers.write.map((text) => text.split(stop)[0]));
    expect(cut.results.some(({ outcome }) => outcome === 0)).toBe(true);
  });

  it('of a chat are what transformers writes behind its template', async () => {
    const samples = CHATS.map((prompt, index) => ({ ...ask(String(index), '', answers.chat[index] ?? ''), prompt }));
    const { results } = await evaluate(samplesSuite({ samples }));
    expect(results.map(({ answer, outcome }) => [answer, outcome])).toEqual(answers.chat.map((text) => [text, 1]));
  });

  it('are as long as is asked for, and no longer than the model reads', async () => {
    const long = 'a'.repeat(60);
    const samples = [ask('short', 'abc=', 'x'), ask('long', long, 'x')];
    const scorer = { kind: 'numeric', tolerance: 0 } as const;
    const { results } = await evaluate(samplesSuite({ samples, scorer, maxNewTokens: 1 }));
    expect(results[0]?.answer).toBe(Array.from(answers.write[0]?.match(/<unused\d+>|./u)?.[0] ?? '').join(''));
    expect((await evaluate(samplesSuite({ samples, scorer, maxNewTokens: 1000 }))).results).toHaveLength(2);
  });

  it('are judged as the scorer says', async () => {
    const samples = PROMPTS.map((prompt, index) => ask(String(index), prompt, answers.write[index]?.[0] ?? ''));
    const scorer = { kind: 'regex', pattern: '.', flags: 's', take: 'first' } as const;
    const { results } = await evaluate(samplesSuite({ samples, scorer }));
    expect(results.map(({ outcome }) => outcome)).toEqual(PROMPTS.map(() => 1));
    const last = await evaluate(samplesSuite({ samples, scorer: { ...scorer, take: 'last' } }));
    const sameAtBothEnds = answers.write.map((text) => (text[0] === text.at(-1) ? 1 : 0));
    expect(last.results.map(({ outcome }) => outcome)).toEqual(sameAtBothEnds);
  });
});

describe('multiple choice', () => {
  const samples = PROMPTS.map((prompt, index) => ({
    ...ask(String(index), prompt, CHOICES[index] ?? ''),
    choices: { texts: CHOICES, right: index },
  }));
  const scorer = { kind: 'multiple-choice', choices: 'c', delimiter: '', normalize: 'none' } as const;

  it.each(['none', 'length'] as const)('takes what is likeliest to transformers, by %s', async (normalize) => {
    const { results } = await evaluate(samplesSuite({ samples, scorer: { ...scorer, normalize } }));
    PROMPTS.forEach((_, index) => {
      const own = answers.score.slice(index * CHOICES.length, (index + 1) * CHOICES.length);
      const merits = own.map(({ nats }, at) => nats / (normalize === 'none' ? 1 : (CHOICES[at]?.length ?? 1)));
      const chosen = CHOICES[merits.indexOf(Math.max(...merits))];
      const right = own[index];
      expect(results[index]).toMatchObject({ answer: chosen, outcome: chosen === CHOICES[index] ? 1 : 0 });
      expect(results[index]?.answerTokens).toBe(right?.tokens);
      expect((results[index]?.lossNats ?? 0) * (right?.tokens ?? 0)).toBeCloseTo(-(right?.nats ?? NaN), 4);
    });
  });

  it('puts the delimiter before every choice', async () => {
    const shorter = samples.map((sample) => ({ ...sample, prompt: sample.prompt.slice(0, -1) }));
    const last = samples.filter(({ prompt }) => prompt.endsWith('='));
    const suite = (delimiter: string, from: SamplesSuite['samples']) =>
      samplesSuite({ samples: from, scorer: { ...scorer, delimiter } });
    const whole = await evaluate(suite('', last));
    const divided = await evaluate(
      suite(
        '=',
        shorter.filter((_, index) => samples[index]?.prompt.endsWith('=')),
      ),
    );
    expect(divided.results.map(({ answerTokens }) => answerTokens)).toEqual(
      whole.results.map(({ answerTokens }) => answerTokens + 1),
    );
  });
});

describe('perplexity', () => {
  it('of a text is that of transformers, in one window', async () => {
    const { results } = await evaluate(textSuite({}));
    expect(results).toHaveLength(1);
    expect(results[0]).toMatchObject({ id: '0', weight: TEXT.length, answerTokens: TEXT.length, answer: null });
    const mean = answers.text.reduce((sum, nats) => sum + nats, 0) / answers.text.length;
    expect(results[0]?.outcome).toBeCloseTo(mean, 4);
    expect(meanResults(results).lossNats).toBeCloseTo(-mean, 4);
  });

  it('counts every token once, whatever the windows, and begins with all that came before', async () => {
    const { results } = await evaluate(textSuite({ contextTokens: 16, stride: 8 }));
    expect(results.length).toBeGreaterThan(3);
    expect(results.map(({ id }) => id)).toEqual(results.map((_, index) => String(index)));
    expect(results.reduce((sum, { weight }) => sum + weight, 0)).toBe(TEXT.length);
    const first = answers.text.slice(0, results[0]?.weight);
    expect(results[0]?.outcome).toBeCloseTo(first.reduce((sum, nats) => sum + nats, 0) / first.length, 4);
    const two = await evaluate(textSuite({ contextTokens: 16, stride: 8, windows: 2 }));
    expect(two.results).toEqual(results.slice(0, 2));
  });

  it('of documents has one sample for each, however many windows it takes', async () => {
    const documents = [
      { id: 'whole', text: TEXT },
      { id: 'short', text: 'a' },
    ];
    const { results } = await evaluate(textSuite({ documents, contextTokens: 16 }));
    expect(results.map(({ id, weight }) => [id, weight])).toEqual([
      ['whole', TEXT.length],
      ['short', 1],
    ]);
    expect(results[1]?.outcome).toBeCloseTo(answers.text[0] ?? NaN, 4);
  });

  it('is refused for a text that has no token of the vocabulary', async () => {
    const refused = evaluate(textSuite({ documents: [{ id: 'x', text: '漢字' }] }));
    await expect(refused).rejects.toMatchObject({ code: 'EVALUATE_SAMPLE_EMPTY' });
    await expect(refused).rejects.toThrow('Sample `x` has no token');
  });
});

describe('what cannot be scored', () => {
  it('is every sample that is too long, named together', async () => {
    const samples = [ask('a', 'a'.repeat(64), 'x'), ask('b', 'a', 'x'), ask('c', 'a'.repeat(90), 'x')];
    const refused = evaluate(samplesSuite({ samples }));
    await expect(refused).rejects.toMatchObject({ code: 'EVALUATE_SAMPLE_TOO_LONG', retryable: false });
    await expect(refused).rejects.toThrow('2 of 3 samples are longer than the 64 tokens');
    await expect(refused).rejects.toThrow('`a` (66 tokens), `c` (92 tokens)');
    await expect(evaluate(samplesSuite({ samples, stop: ['@'] }))).rejects.toThrow('`a` (66 tokens), `c` (92 tokens)');
  });

  it('is an answer of which the vocabulary has nothing, in a choice', async () => {
    const choices = { texts: ['a', '漢'], right: 0 };
    const scorer = { kind: 'multiple-choice', choices: 'c', delimiter: '', normalize: 'none' } as const;
    const refused = evaluate(samplesSuite({ samples: [{ ...ask('q', 'ab', 'a'), choices }], scorer }));
    await expect(refused).rejects.toThrow(expect.objectContaining({ code: 'EVALUATE_SAMPLE_EMPTY' }) as Error);
    await expect(refused).rejects.toThrow('Sample `q`');
  });

  it('is anything exact for a model that never ends a text', async () => {
    const endless = path.join(root, 'endless');
    await cp(folder, endless, { recursive: true });
    await writeFile(path.join(endless, 'tokenizer_config.json'), '{"bos_token": "<bos>"}');
    for (const file of ['config.json', 'generation_config.json']) {
      const config = z.looseObject({}).parse(JSON.parse(await readFile(path.join(folder, file), 'utf8')));
      await writeFile(path.join(endless, file), JSON.stringify({ ...config, eos_token_id: null }));
    }
    const samples = [ask('0', 'abc=', 'x')];
    await expect(evaluate(samplesSuite({ samples }), endless)).rejects.toMatchObject({ code: 'EVALUATE_NO_EOS' });
    const numeric = { kind: 'numeric', tolerance: 0 } as const;
    await expect(evaluate(samplesSuite({ samples, scorer: numeric }), endless)).rejects.toMatchObject({
      code: 'EVALUATE_NO_EOS',
    });
    expect((await evaluate(samplesSuite({ samples, stop: ['@'] }), endless)).results).toHaveLength(1);
  });

  it('is stopped with the reason of the signal', async () => {
    const reason = new Error('enough');
    const suite = samplesSuite({ samples: [ask('0', 'abc=', 'x')] });
    await expect(evaluate(suite, folder, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it('is a suite of another harness', async () => {
    const suite: Suite = {
      ...{ kind: 'command', name: 'x', digest: digestOf('x'), unit: 'share', folder, ids: null },
      definition: { name: 'x', harness: 'command', command: ['{output}'], version: '1', unit: 'share' },
    };
    await expect(evaluate(suite)).rejects.toMatchObject({ code: 'EVALUATE_SUITE_UNFIT' });
  });
});

describe('the identity of onnx', () => {
  it('is the same whatever the threads and batches, which change nothing that counts', async () => {
    const suite = textSuite({});
    const identity = await evaluator.identity(suite);
    expect(identity).toMatchObject({ name: 'onnx', version: '2', digest: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(await createOnnxEvaluator({ threads: 2, batchTokens: 64 }).identity(suite)).toEqual(identity);
  });
});
