import type { FamilySpec } from '../contracts/lineage-spec.schema.ts';
import { parseReleaseName } from './release-name.ts';

/** A name with its place in the family. */
export interface OrderedName {
  readonly name: string;
  /** Values of the order fields, most significant first. */
  readonly position: readonly number[];
}

export interface OrderedFamily {
  readonly ordered: readonly OrderedName[];
  /** Names that do not follow the family's pattern, in the order given. */
  readonly ignored: readonly string[];
}

/** Puts the names a source lists into the family's order; numbers compare as numbers, equal positions by name. */
export function orderReleases(names: readonly string[], family: Pick<FamilySpec, 'names' | 'order'>): OrderedFamily {
  const ordered: OrderedName[] = [];
  const ignored: string[] = [];
  for (const name of names) {
    const fields = parseReleaseName(family.names, name);
    if (fields === null) ignored.push(name);
    else ordered.push({ name, position: family.order.map((field) => fields[field] ?? 0) });
  }
  ordered.sort(compareReleases);
  return { ordered, ignored };
}

/** Comparator of the family's order: by position, then by name so that the order is total. */
export function compareReleases(left: OrderedName, right: OrderedName): number {
  for (const [index, value] of left.position.entries()) {
    const difference = value - (right.position[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.name < right.name ? -1 : left.name > right.name ? 1 : 0;
}
