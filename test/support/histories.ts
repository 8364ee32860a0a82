import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** What workflows did once; today's code must do the same when it takes one of them over. */
export const HISTORIES = fileURLToPath(new URL('../histories/', import.meta.url));

/** A history in the form that Temporal's protocol buffers take. */
export interface KeptHistory {
  readonly workflowId: string;
  readonly history: { readonly events: readonly HistoryEvent[] };
}

export type HistoryEvent = Readonly<Record<string, unknown>>;

/** All histories of test/histories/, each under its file's name. */
export async function readHistories(): Promise<readonly KeptHistory[]> {
  const files = (await readdir(HISTORIES)).filter((file) => file.endsWith('.json')).sort();
  return Promise.all(
    files.map(async (file) => ({
      workflowId: path.basename(file, '.json'),
      history: parseHistory(await readFile(path.join(HISTORIES, file), 'utf8')),
    })),
  );
}

/**
 * A fetched history as JSON of its own kind, one event a line: numbers for 64-bit integers, bytes as text where they are
 * text. The SDK's own JSON needs one copy of protobufjs where npm installs three ("type must be a Type"). Names of
 * processes and paths of files are left out: they say nothing of what a workflow did.
 */
export function formatHistory({ events }: { readonly events?: readonly unknown[] | null }): string {
  const lines = (events ?? []).map((event) => JSON.stringify(toPlain(event)));
  return `{"events":[\n${lines.join(',\n')}\n]}\n`;
}

function parseHistory(json: string): KeptHistory['history'] {
  const parsed: unknown = JSON.parse(json, (_, value: unknown) => toBytes(value) ?? value);
  if (typeof parsed === 'object' && parsed !== null && 'events' in parsed && Array.isArray(parsed.events)) {
    return { events: parsed.events };
  }
  throw new Error('a history has a list of events');
}

const LEFT_OUT = ['stackTrace', 'workerVersion'];

function toPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toPlain);
  if (value instanceof Uint8Array) return fromBytes(value);
  if (typeof value !== 'object' || value === null) return value;
  if ('low' in value && 'high' in value) return Number(value.high) * 2 ** 32 + (Number(value.low) >>> 0);
  const fields = Object.entries(value).filter(([name, inner]) => !isUnset(inner) && !LEFT_OUT.includes(name));
  return Object.fromEntries(fields.map(([name, inner]) => [name, name === 'identity' ? 'recorder' : toPlain(inner)]));
}

/** As protocol buffers have it: a list without entries is no field at all. */
function isUnset(value: unknown): boolean {
  return value === null || value === undefined || (Array.isArray(value) && value.length === 0);
}

function fromBytes(bytes: Uint8Array): { readonly $text: string } | { readonly $base64: string } {
  const text = new TextDecoder().decode(bytes);
  const isText = Buffer.from(text).equals(bytes);
  return isText ? { $text: text } : { $base64: Buffer.from(bytes).toString('base64') };
}

function toBytes(value: unknown): Uint8Array | null {
  if (typeof value !== 'object' || value === null) return null;
  if ('$text' in value && typeof value.$text === 'string') return new TextEncoder().encode(value.$text);
  if ('$base64' in value && typeof value.$base64 === 'string') return Buffer.from(value.$base64, 'base64');
  return null;
}
