import { describe, expect, it } from 'vitest';
import { withSecrets } from '../../workers/secret-paths.ts';
import { readSecrets } from '../../workers/secrets.ts';
import { writePrivate } from '../support/codec-keys.ts';
import { makeSpec } from '../support/lineage-values.ts';

const YAML = 'customers: /mnt/sealed/customers.jsonl\nsuite-a: /mnt/sealed\n';

describe('the secrets of a machine', () => {
  it('stand behind names; everything else means itself', async () => {
    const { reveal } = await readSecrets({ REGRAFT_SECRETS: await writePrivate('secrets', YAML) });
    expect(reveal('secret://customers')).toBe('/mnt/sealed/customers.jsonl');
    expect(reveal('/data/train.jsonl')).toBe('/data/train.jsonl');
    expect(reveal('hub://datasets/a/b@0')).toBe('hub://datasets/a/b@0');
  });

  it('are masked by name, the longest first, and so are tokens and keys of the environment', async () => {
    const { mask } = await readSecrets({
      REGRAFT_SECRETS: await writePrivate('secrets', YAML),
      HF_TOKEN: 'hf_abcdefgh',
      TEMPORAL_API_KEY: 'tmprl-12345',
      AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI',
      SHORT_TOKEN: '1',
      HOME: '/home/regraft',
    });
    expect(
      mask('/mnt/sealed/customers.jsonl, /mnt/sealed/x, hf_abcdefgh tmprl-12345 wJalrXUtnFEMI 1 /home/regraft'),
    ).toBe(
      'secret://customers, secret://suite-a/x, $HF_TOKEN $TEMPORAL_API_KEY $AWS_SECRET_ACCESS_KEY 1 /home/regraft',
    );
  });

  it('that are not there are named with what to do', async () => {
    const file = await writePrivate('secrets', YAML);
    const some = await readSecrets({ REGRAFT_SECRETS: file });
    expect(() => some.reveal('secret://nobody')).toThrow(
      expect.objectContaining({
        code: 'SECRET_UNKNOWN',
        message: `secret://nobody is unknown on this machine: ${file} has customers, suite-a; add it on every machine that serves the queues io, gpu and evaluate, start the worker again, and retry.`,
      }),
    );
    const none = await readSecrets({});
    expect(() => none.reveal('secret://toString')).toThrow('REGRAFT_SECRETS names no file');
  });

  it.each([
    ['no YAML', 'a: [/mnt/sealed/x', 'SECRETS_INVALID'],
    ['a list', '- /mnt/sealed/x', 'SECRETS_INVALID'],
    ['a value that is no text', 'a: { b: /mnt/sealed/x }', 'SECRETS_INVALID'],
    ['a name with a slash', 'a/b: /mnt/sealed/x', 'SECRETS_INVALID'],
  ])('are refused when the file has %s, without a word of it', async (_, text, code) => {
    const file = await writePrivate('secrets', text);
    const refused = readSecrets({ REGRAFT_SECRETS: file });
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringContaining(file) });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('/mnt/sealed') });
  });

  it('are refused when others can read them', async () => {
    const file = await writePrivate('secrets', YAML, 0o644);
    await expect(readSecrets({ REGRAFT_SECRETS: file })).rejects.toMatchObject({ code: 'SECRETS_EXPOSED' });
  });
});

describe('ports with secrets', () => {
  it('read suites and datasets, and tell trainers, by the value', async () => {
    const asked: unknown[] = [];
    const note = (value: unknown) => {
      asked.push(value);
      return Promise.resolve(value);
    };
    const { reveal, mask } = await readSecrets({ REGRAFT_SECRETS: await writePrivate('secrets', YAML) });
    const { data, trainers } = withSecrets(
      {
        data: { suite: note, datasetDigest: note },
        trainers: { start: (_launch: unknown, _job: unknown, finetune: unknown) => note(finetune) },
      } as never,
      { reveal, mask },
    );
    const spec = makeSpec();
    await data.datasetDigest('secret://customers');
    await data.suite({ ...spec.evaluate[0]!, suite: 'secret://suite-a' });
    await trainers.start({} as never, {} as never, { ...spec.finetune, dataset: 'secret://customers' });
    expect(asked).toEqual([
      '/mnt/sealed/customers.jsonl',
      { ...spec.evaluate[0], suite: '/mnt/sealed' },
      { ...spec.finetune, dataset: '/mnt/sealed/customers.jsonl' },
    ]);
    await expect(data.datasetDigest('secret://nobody')).rejects.toMatchObject({ code: 'SECRET_UNKNOWN' });
  });
});
