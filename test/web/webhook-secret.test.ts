import { describe, expect, it } from 'vitest';
import { readWebhookSecret } from '../../web/webhook-secret.ts';
import { writePrivate } from '../support/codec-keys.ts';
import { SECRET } from './delivery.ts';

const VALUE = 'REGRAFT_WEBHOOK_SECRET';
const FILE = 'REGRAFT_WEBHOOK_SECRET_FILE';

const secretFile = (text: string, mode?: number): Promise<string> => writePrivate('secret', text, mode);

describe('the secret of the webhooks', () => {
  it('comes from the environment, or from a file that ends in a line break', async () => {
    expect(await readWebhookSecret({ [VALUE]: SECRET })).toBe(SECRET);
    expect(await readWebhookSecret({ [FILE]: await secretFile(`${SECRET}\n`), [VALUE]: '' })).toBe(SECRET);
  });

  it('has to be set once', async () => {
    await expect(readWebhookSecret({})).rejects.toMatchObject({
      code: 'WEBHOOK_SECRET_MISSING',
      message: expect.stringMatching(/^Neither is set of/),
    });
    const both = { [VALUE]: SECRET, [FILE]: await secretFile(SECRET) };
    await expect(readWebhookSecret(both)).rejects.toMatchObject({
      code: 'WEBHOOK_SECRET_MISSING',
      message: expect.stringMatching(/^Both are set of/),
    });
  });

  it('is refused when its file cannot be read', async () => {
    await expect(readWebhookSecret({ [FILE]: '/nowhere' })).rejects.toMatchObject({
      code: 'WEBHOOK_SECRET_UNREADABLE',
      message: expect.stringMatching(
        /^The secret of the Hub's webhooks in \/nowhere \(named by REGRAFT_WEBHOOK_SECRET_FILE\) cannot be read: ENOENT/,
      ),
    });
  });

  it.each([0o640, 0o604])('is refused when others have rights to its file: %o', async (mode) => {
    const file = await secretFile(SECRET, mode);
    await expect(readWebhookSecret({ [FILE]: file })).rejects.toMatchObject({
      code: 'WEBHOOK_SECRET_EXPOSED',
      message: expect.stringContaining(
        `its mode is ${mode.toString(8).padStart(4, '0')}, expected 0600; run \`chmod 600 ${file}\``,
      ),
    });
    expect(await readWebhookSecret({ [FILE]: await secretFile(SECRET, 0o400) })).toBe(SECRET);
  });

  it.each([
    ['short', 'fifteen-letters'],
    ['two words', 'a secret of some length'],
    ['not of printable letters', 'ein-geheimnis-für-alle'],
  ])('is refused when it is %s, and not repeated', async (_what, secret) => {
    const refused = readWebhookSecret({ [VALUE]: secret });
    await expect(refused).rejects.toMatchObject({
      code: 'WEBHOOK_SECRET_UNFIT',
      message: expect.stringContaining(`has ${String(secret.length)} characters, expected at least 16`),
    });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining(secret) });
  });
});
