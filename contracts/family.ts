import type { FamilySpec } from './family.schema.ts';

/** Where a family's releases lie, as one of five kinds. */
export type FamilyPlace =
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 'revisions'; readonly repo: string }
  | { readonly kind: 'repos'; readonly repos: readonly string[] }
  | { readonly kind: 'organisation'; readonly organisation: string }
  | { readonly kind: 'bucket'; readonly bucket: string; readonly prefix: string };

/** The place that a checked family names. */
export function placeOf({ folder, hub, organisation, bucket, revisions }: FamilySpec): FamilyPlace {
  if (folder !== undefined) return { kind: 'folder', folder };
  if (typeof hub === 'string' && revisions !== undefined) return { kind: 'revisions', repo: hub };
  if (hub !== undefined) return { kind: 'repos', repos: [hub].flat() };
  if (organisation !== undefined) return { kind: 'organisation', organisation };
  const [, name = '', prefix = ''] = /^s3:\/\/([^/]+)\/?(.*?)\/?$/.exec(bucket ?? '') ?? [];
  return { kind: 'bucket', bucket: name, prefix: prefix === '' ? '' : `${prefix}/` };
}

/** The pattern of a checked family. */
export function patternOf({ names, revisions }: Pick<FamilySpec, 'names' | 'revisions'>): string {
  return revisions ?? names ?? '';
}

/** The place in words, for sentences. */
export function placeInWords(family: FamilySpec): string {
  const place = placeOf(family);
  switch (place.kind) {
    case 'folder':
      return place.folder;
    case 'revisions':
      return `${place.repo} on the Hub`;
    case 'repos':
      return `${place.repos.join(', ')} on the Hub`;
    case 'organisation':
      return `${place.organisation} on the Hub`;
    case 'bucket':
      return `s3://${place.bucket}/${place.prefix}`;
  }
}
