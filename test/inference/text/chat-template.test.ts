import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTokenizer } from '../../../inference/index.ts';
import { compileChatTemplate } from '../../../inference/text/chat-template.ts';
import { strftime } from '../../../inference/text/strftime.ts';
import { temporaryFolder } from '../../support/safetensors.ts';

const VOCABULARY = { type: 'BPE', vocab: { a: 0, b: 1, '<s>': 2, '</s>': 3, '<pad>': 4 }, merges: [] };
const DEFINITION = {
  ...{
    model: VOCABULARY,
    added_tokens: [],
    decoder: null,
    pre_tokenizer: null,
    normalizer: null,
    post_processor: null,
  },
};
const HI = [{ role: 'user', content: 'hi' }];

async function makeTokenizer(config: object): Promise<string> {
  const folder = join(await temporaryFolder(), 'model');
  await mkdir(folder);
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(DEFINITION));
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(config));
  return folder;
}

describe('the chat template of a model folder', () => {
  it('is chat_template.jinja before the one of tokenizer_config.json, and that before chat_template.json', async () => {
    const folder = await makeTokenizer({ chat_template: 'config {{ bos_token }}', bos_token: { content: '<s>' } });
    await writeFile(join(folder, 'chat_template.json'), '{"chat_template": "json"}');
    expect((await openTokenizer(folder)).renderChat(HI)).toBe('config <s>');
    await writeFile(join(folder, 'chat_template.jinja'), '{{ messages[0].content }}{{ eos_token }}');
    expect((await openTokenizer(folder)).renderChat(HI)).toBe('hi');
    await rm(join(folder, 'chat_template.jinja'));
    await writeFile(join(folder, 'tokenizer_config.json'), '{}');
    expect((await openTokenizer(folder)).renderChat(HI)).toBe('json');
  });

  it('is the default of several', async () => {
    const several = [
      { name: 'tool_use', template: 'tools' },
      { name: 'default', template: 'plain' },
    ];
    expect((await openTokenizer(await makeTokenizer({ chat_template: several }))).renderChat(HI)).toBe('plain');
  });

  it.each([
    ['none', {}, 'has no chat template'],
    [
      'several and no default',
      { chat_template: [{ name: 'rag', template: 'x' }] },
      'has the chat templates rag and no',
    ],
  ])('is refused by the name of the model where there is %s', async (_claim, config, why) => {
    const folder = await makeTokenizer(config);
    const tokenizer = await openTokenizer(folder);
    expect(() => tokenizer.renderChat(HI)).toThrow(
      expect.objectContaining({ code: 'INFERENCE_CHAT_TEMPLATE_MISSING', retryable: false }) as Error,
    );
    expect(() => tokenizer.renderChat(HI)).toThrow(`Model ${folder} ${why}`);
  });

  it.each([
    ['cannot be read', '{% for m in messages %}{{ m.role }}', 'cannot be read'],
    ['raises', "{{ raise_exception('only one turn') }}", 'only one turn'],
    [
      'makes an endless list',
      '{% for i in range(1000000000) %}x{% endfor %}',
      'a range of 1000000000 is longer than 100000',
    ],
    ['counts in steps of nothing', '{% for i in range(0, 5, 0) %}x{% endfor %}', 'is longer than'],
  ])('is refused when it %s', (_claim, template, why) => {
    const render = () => compileChatTemplate(template, {}, 'Model m')(HI);
    expect(render).toThrow(expect.objectContaining({ code: 'INFERENCE_CHAT_TEMPLATE_INVALID' }) as Error);
    expect(render).toThrow(why);
    expect(render).toThrow(/^Model m: its chat template/);
  });

  it('gets the time that it is given, and ends in a generation prompt unless told otherwise', () => {
    const render = compileChatTemplate(
      "{{ strftime_now('%d %b %Y') }}{% if add_generation_prompt %}>{% endif %}",
      {},
      'Model m',
    );
    const now = new Date(2024, 6, 26);
    expect(render(HI, { now })).toBe('26 Jul 2024>');
    expect(render(HI, { now, addGenerationPrompt: false })).toBe('26 Jul 2024');
    expect(render(HI)).toBe(`${strftime(new Date(), '%d %b %Y')}>`);
  });

  it('counts ranges as Python does', () => {
    const template = '{% for i in range(3) %}{{ i }}{% endfor %} {% for i in range(7, 1, -3) %}{{ i }}{% endfor %}';
    expect(compileChatTemplate(template, {}, 'Model m')(HI)).toBe('012 74');
  });
});

describe('strftime', () => {
  it('writes what Python writes in English', () => {
    const afternoon = new Date(2005, 2, 9, 15, 4, 5);
    expect(strftime(afternoon, '%Y-%m-%d %y %e|%H:%M:%S %I %p|%A %a|%B %b|100%% %q')).toBe(
      '2005-03-09 05  9|15:04:05 03 PM|Wednesday Wed|March Mar|100% %q',
    );
    expect(strftime(new Date(2005, 2, 9, 0, 0, 0), '%I %p')).toBe('12 AM');
  });
});

describe('the tokens that end what a model writes', () => {
  it('are those of the tokenizer, of generation_config.json and of config.json, each once', async () => {
    const folder = await makeTokenizer({ eos_token: '</s>', pad_token: '<pad>' });
    await writeFile(join(folder, 'generation_config.json'), '{"eos_token_id": [1, 3]}');
    await writeFile(join(folder, 'config.json'), '{"eos_token_id": 0}');
    expect(await openTokenizer(folder)).toMatchObject({ endTokenIds: [3, 1, 0], eosTokenId: 3, padTokenId: 4 });
  });

  it('are none where no file names one', async () => {
    expect(await openTokenizer(await makeTokenizer({}))).toMatchObject({ endTokenIds: [], padTokenId: undefined });
  });
});
