import type { GateCheck } from '../../contracts/gate.schema.ts';

/** A reference for people: what it is, and of which release. */
export function sayReference(reference: GateCheck['reference']): string {
  if (reference === null) return 'nothing';
  const { kind, release } = reference;
  switch (kind) {
    case 'published':
      return `the published ${release}`;
    case 'base':
      return `the base ${release}`;
    case 'plain':
      return `the plain arm at ${release}`;
    case 'previous':
      return `the previous release ${release}`;
  }
}
