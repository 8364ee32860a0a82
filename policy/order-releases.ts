import { patternOf } from '../contracts/family.ts';
import type { FamilySpec } from '../contracts/family.schema.ts';
import { parseReleaseName, positionOf } from './release-name.ts';

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

type Rule = Pick<FamilySpec, 'names' | 'revisions' | 'order'>;

/** Puts the names a source lists into the family's order; numbers compare as numbers, equal positions by name. */
export function orderReleases(names: readonly string[], family: Rule): OrderedFamily {
  const ordered: OrderedName[] = [];
  const ignored: string[] = [];
  for (const name of names) {
    const position = placeInOrder(name, family);
    if (position === null) ignored.push(name);
    else ordered.push({ name, position });
  }
  ordered.sort(compareReleases);
  return { ordered, ignored };
}

/** The position of one name; null when it does not follow the family's pattern. */
export function placeInOrder(name: string, family: Rule): readonly number[] | null {
  const pattern = patternOf(family);
  const fields = parseReleaseName(pattern, name);
  return fields === null ? null : positionOf(fields, pattern, family.order);
}

/** Comparator of the family's order: by position, then by name so that the order is total. */
export function compareReleases(left: OrderedName, right: OrderedName): number {
  for (let index = 0; index < Math.max(left.position.length, right.position.length); index += 1) {
    const difference = (left.position[index] ?? 0) - (right.position[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.name < right.name ? -1 : left.name > right.name ? 1 : 0;
}
