import type { LineageSpec } from '../contracts/lineage-spec.schema.ts';
import type { SpecChange } from '../contracts/lineage-state.ts';
import { SUPERVISION_KEYS } from '../contracts/supervision-keys.ts';

/** What the lineage itself reads, whenever it decides something; `name` never changes. */
const AT_ONCE = ['family', 'backlog', 'budget.lineage'];
const AT_NEXT_ATTEMPT = SUPERVISION_KEYS.map((key) => `finetune.${key}`);

/**
 * What differs between two specs of a lineage, key by key, and from when on each change counts: at once, at the next
 * attempt of a training that runs (a pause and a resume make one), or at the next release to start.
 */
export function specChanges(before: LineageSpec, after: LineageSpec): readonly SpecChange[] {
  return differences('', before, after).map((change) => ({ ...change, applies: appliesFrom(change.path) }));
}

function appliesFrom(path: string): SpecChange['applies'] {
  const isUnder = (key: string): boolean => path === key || path.startsWith(`${key}.`) || path.startsWith(`${key}[`);
  if (AT_ONCE.some(isUnder)) return 'now';
  return AT_NEXT_ATTEMPT.some(isUnder) ? 'next attempt' : 'next release';
}

/** Leaves that differ; a list or a value that is there on one side only is one change, unless its parts count at different times. */
function differences(path: string, before: unknown, after: unknown): readonly Omit<SpecChange, 'applies'>[] {
  const parts = [before, after].filter(isMapping);
  const isDivided = [...AT_ONCE, ...AT_NEXT_ATTEMPT].some((key) => key.startsWith(`${path}.`));
  if (parts.length === 2 || (parts.length === 1 && isDivided)) {
    const keys = [...new Set(parts.flatMap((part) => Object.keys(part)))];
    const partOf = (value: unknown, key: string): unknown => (isMapping(value) ? value[key] : undefined);
    return keys.flatMap((key) =>
      differences(path === '' ? key : `${path}.${key}`, partOf(before, key), partOf(after, key)),
    );
  }
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  return [{ path, from: before ?? null, to: after ?? null }];
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
