import { parse } from 'yaml';
import { z } from 'zod';
import { readPrivateFile } from '../client/private-file.ts';
import { messageOf, RegraftError } from '../contracts/error.ts';

const SCHEME = 'secret://';
const secretsSchema = z.record(
  z.string().regex(/^[A-Za-z0-9][\w.-]{0,63}$/, 'names have letters, digits, dots, dashes and underscores'),
  z.string().min(1),
);

/** Variables whose values are secret, by how they are called; what is shorter is no key. */
const SECRET_VARIABLE = /(TOKEN|SECRET|PASSWORD|API_KEY|ACCESS_KEY)$/;
const SHORTEST_SECRET = 8;

/** What must not be in a history: values behind `secret://NAME`, and tokens and keys of the environment. */
export interface Secrets {
  /** The value behind `secret://NAME`; anything else as it is. @throws RegraftError SECRET_UNKNOWN */
  readonly reveal: (text: string) => string;
  /** The text with the name of each secret in its place. */
  readonly mask: (text: string) => string;
}

/**
 * The secrets of this machine: a YAML file of names and values that REGRAFT_SECRETS names, where there is one.
 * @throws RegraftError SECRETS_UNREADABLE, SECRETS_EXPOSED, SECRETS_INVALID (without any value in it)
 */
export async function readSecrets(environment: Readonly<Record<string, string | undefined>>): Promise<Secrets> {
  const file = environment['REGRAFT_SECRETS'] ?? '';
  const values = new Map(Object.entries(file === '' ? {} : await readValues(file)));
  const variables = Object.entries(environment).flatMap(([name, value = '']) =>
    SECRET_VARIABLE.test(name) && value.length >= SHORTEST_SECRET ? [[value, `$${name}`] as const] : [],
  );
  const named = [...values].map(([name, value]) => [value, `${SCHEME}${name}`] as const);
  // Longest first: one may be part of another.
  const masks = [...named, ...variables].sort(([left], [right]) => right.length - left.length);
  return {
    reveal(text) {
      if (!text.startsWith(SCHEME)) return text;
      const value = values.get(text.slice(SCHEME.length));
      if (value !== undefined) return value;
      const known = file === '' ? 'REGRAFT_SECRETS names no file' : `${file} has ${[...values.keys()].join(', ')}`;
      const todo =
        'add it on every machine that serves the queues io, gpu and evaluate, start the worker again, and retry';
      throw new RegraftError('SECRET_UNKNOWN', `${text} is unknown on this machine: ${known}; ${todo}.`);
    },
    mask: (text) => masks.reduce((masked, [value, name]) => masked.replaceAll(value, name), text),
  };
}

async function readValues(file: string): Promise<Readonly<Record<string, string>>> {
  const text = await readPrivateFile({ file, subject: 'The secrets', namedBy: 'REGRAFT_SECRETS', code: 'SECRETS' });
  const parsed = secretsSchema.safeParse(parseYaml(text, file));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw invalid(file, problems.join('; '));
}

function parseYaml(text: string, file: string): unknown {
  try {
    return parse(text, { prettyErrors: false }); // a pretty error shows the line
  } catch (error) {
    throw invalid(file, messageOf(error));
  }
}

function invalid(file: string, why: string): RegraftError {
  return new RegraftError(
    'SECRETS_INVALID',
    `The secrets in ${file} are invalid: ${why}; write \`NAME: VALUE\`, a line each.`,
  );
}
