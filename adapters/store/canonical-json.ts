import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

/** A JSON value's one canonical text (RFC 8785) and its sha256. */
export function canonicalJson(value: unknown): { readonly text: string; readonly sha256: string } {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('only a JSON value can be kept as a record');
  return { text, sha256: createHash('sha256').update(text).digest('hex') };
}
