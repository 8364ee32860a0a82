import { join } from 'node:path';
import { isJsonObject, readIfThere, readJsonObject, type JsonObject } from './json-file.ts';

/**
 * A model folder's chat template: chat_template.jinja, else what tokenizer_config.json has (the `default` of several), else
 * chat_template.json. Null where there is none; the names instead where there are several and none is the default.
 */
export async function readChatTemplate(
  folder: string,
  tokenizerConfig: JsonObject,
): Promise<string | readonly string[] | null> {
  const own = await readIfThere(join(folder, 'chat_template.jinja'));
  if (own !== null) return own;
  const { chat_template: written } = tokenizerConfig;
  if (typeof written === 'string') return written;
  if (Array.isArray(written)) return defaultOf(written.filter(isJsonObject));
  const { chat_template: beside } = await readJsonObject(join(folder, 'chat_template.json'), {});
  return typeof beside === 'string' ? beside : null;
}

function defaultOf(named: readonly JsonObject[]): string | readonly string[] {
  const template = named.find(({ name }) => name === 'default')?.['template'];
  return typeof template === 'string' ? template : named.map(({ name }) => String(name));
}
