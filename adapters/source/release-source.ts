import type { ReleaseSource } from '../../activities/ports.ts';
import { placeOf } from '../../contracts/family.ts';
import type { FamilySpec } from '../../contracts/family.schema.ts';
import { createBucketSource } from './bucket/bucket-source.ts';
import { createFolderSource } from './folder-source.ts';
import type { HubAccess } from './hub/hub-fetch.ts';
import { createHubSource } from './hub/hub-source.ts';

/** Where the Hub is unless HF_ENDPOINT says otherwise. */
const HUB = 'https://huggingface.co';

/** Settings of sources, from the environment of the process that reads them. */
export interface SourceSettings {
  readonly hub: HubAccess;
  readonly forcePathStyle: boolean;
}

/** HF_ENDPOINT and HF_TOKEN; for object stores the SDK reads its own variables. */
export function readSourceSettings(environment: Readonly<Record<string, string | undefined>>): SourceSettings {
  const named = (name: string): string | null => {
    const value = environment[name]?.trim() ?? '';
    return value === '' ? null : value;
  };
  return {
    hub: { endpoint: (named('HF_ENDPOINT') ?? HUB).replace(/\/+$/, ''), token: named('HF_TOKEN') },
    // Stores at an address of their own seldom have a name for each bucket.
    forcePathStyle: named('AWS_ENDPOINT_URL_S3') !== null || named('AWS_ENDPOINT_URL') !== null,
  };
}

/** All places where releases appear, behind one port. */
export function createReleaseSource({ hub, forcePathStyle }: SourceSettings): ReleaseSource {
  const folder = createFolderSource();
  const onHub = createHubSource(hub);
  const bucket = createBucketSource({ forcePathStyle });
  const sourceOf = (family: FamilySpec): ReleaseSource => {
    switch (placeOf(family).kind) {
      case 'folder':
        return folder;
      case 'bucket':
        return bucket;
      case 'revisions':
      case 'repos':
      case 'organisation':
        return onHub;
    }
  };
  return {
    list: (family, signal) => sourceOf(family).list(family, signal),
    look: (family, release, signal) => sourceOf(family).look(family, release, signal),
    open: (input) => sourceOf(input.family).open(input),
  };
}
