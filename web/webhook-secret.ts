import { readPrivateFile } from '../client/private-file.ts';
import { RegraftError } from '../contracts/error.ts';

const SECRET = 'REGRAFT_WEBHOOK_SECRET';
const SECRET_FILE = 'REGRAFT_WEBHOOK_SECRET_FILE';
/** Shorter ones can be guessed. */
const LEAST_LENGTH = 16;
/** What an HTTP header can hold as it is. */
const PRINTABLE = /^[\x21-\x7e]+$/;

/**
 * The secret that the Hub was given, from REGRAFT_WEBHOOK_SECRET or from the file that REGRAFT_WEBHOOK_SECRET_FILE names;
 * never an argument, which every process of the machine can read.
 *
 * @throws RegraftError WEBHOOK_SECRET_MISSING, WEBHOOK_SECRET_UNREADABLE, WEBHOOK_SECRET_EXPOSED, WEBHOOK_SECRET_UNFIT
 */
export async function readWebhookSecret(environment: Readonly<Record<string, string | undefined>>): Promise<string> {
  const value = environment[SECRET] ?? '';
  const file = environment[SECRET_FILE] ?? '';
  if ((value === '') === (file === '')) {
    const found = value === '' ? 'Neither is' : 'Both are';
    const message = `${found} set of ${SECRET} and ${SECRET_FILE}; set one of them to the secret that the Hub's webhook was given.`;
    throw new RegraftError('WEBHOOK_SECRET_MISSING', message);
  }
  const from = file === '' ? SECRET : file;
  const secret = file === '' ? value : (await readSecretFile(file)).trim();
  if (secret.length >= LEAST_LENGTH && PRINTABLE.test(secret)) return secret;
  throw new RegraftError(
    'WEBHOOK_SECRET_UNFIT',
    `The secret in ${from} has ${String(secret.length)} characters, expected at least ${String(LEAST_LENGTH)}, all printable and none a space; make one with \`openssl rand -hex 32\` and give it to the Hub too.`,
  );
}

function readSecretFile(file: string): Promise<string> {
  return readPrivateFile({
    ...{ file, subject: "The secret of the Hub's webhooks", namedBy: SECRET_FILE, code: 'WEBHOOK_SECRET' },
  });
}
