import type { S3Client } from '@aws-sdk/client-s3';
import type { ReleaseSource } from '../../../activities/ports.ts';
import { placeOf } from '../../../contracts/family.ts';
import type { FamilySpec } from '../../../contracts/family.schema.ts';
import { RegraftError } from '../../../contracts/error.ts';
import { fetchFiles, type FetchableFile } from '../fetch-files.ts';
import { fingerprintOf, judgeFiles, lookOf, type JudgedFiles } from '../model-files.ts';
import { asS3Error } from './s3-errors.ts';

/** A prefix with more objects than these is no family of releases, and asking for it takes minutes. */
const MAX_OBJECTS = 200_000;

interface Place {
  readonly bucket: string;
  readonly prefix: string;
}

interface BucketFile extends FetchableFile {
  readonly key: string;
  readonly etag: string;
}

export interface BucketOptions {
  /** Buckets as folders of one address, as most stores other than Amazon's want it. */
  readonly forcePathStyle: boolean;
  readonly pauseMs?: number;
}

/**
 * Families in an object store: every folder under the prefix is one release. A version is a fingerprint of its objects'
 * names, sizes and ETags. Address, region and credentials are found by the SDK's own rules.
 */
export function createBucketSource(options: BucketOptions): ReleaseSource {
  let loaded: Promise<S3> | null = null;
  // Most workers never need it, and it takes a while to load.
  const s3 = (): Promise<S3> => (loaded ??= loadS3(options));
  return {
    async list(family, signal) {
      const releases = await readReleases(await s3(), placeIn(family), signal);
      return { releases: [...releases].map(([name, files]) => ({ name, version: fingerprintOf(files) })), ignored: [] };
    },
    async look(family, { name }, signal) {
      return lookOf(await judge(await s3(), placeIn(family), name, signal));
    },
    async open({ family, release: { name }, into, signal, onProgress }) {
      const [client, place] = [await s3(), placeIn(family)];
      const judged = await judge(client, place, name, signal);
      if (judged.kind === 'incomplete') throw gone(place, name, judged.why);
      const { files, content } = judged;
      const { pauseMs } = options;
      await fetchFiles(files, into, (file, offset, stop) => client.read(place, file, offset, stop), {
        ...{ signal, onProgress },
        ...(pauseMs !== undefined && { pauseMs }),
      });
      return { folder: into, uri: addressOf(place, name), version: judged.version, content, take: 'link' };
    },
  };
}

/** What is needed of the SDK. */
interface S3 {
  /** Objects under a prefix, at any depth. */
  list(
    place: Place,
    signal: AbortSignal,
  ): AsyncIterable<{ readonly key: string; readonly size: number; readonly etag: string }>;
  read(place: Place, file: BucketFile, offset: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

async function loadS3({ forcePathStyle }: BucketOptions): Promise<S3> {
  const sdk = await import('@aws-sdk/client-s3');
  const client: S3Client = new sdk.S3Client({ forcePathStyle });
  return {
    async *list({ bucket, prefix }, signal) {
      try {
        const pages = sdk.paginateListObjectsV2(
          { client },
          { Bucket: bucket, Prefix: prefix },
          { abortSignal: signal },
        );
        for await (const { Contents: objects = [] } of pages)
          for (const { Key: key = '', Size: size = 0, ETag: etag = '' } of objects) yield { key, size, etag };
      } catch (error) {
        signal.throwIfAborted();
        throw asS3Error(error, `s3://${bucket}/${prefix}`);
      }
    },
    async read({ bucket }, { key, etag }, offset, signal) {
      const range = offset > 0 ? { Range: `bytes=${String(offset)}-` } : {};
      try {
        const wanted = { Bucket: bucket, Key: key, IfMatch: etag, ...range };
        const { Body: body } = await client.send(new sdk.GetObjectCommand(wanted), { abortSignal: signal });
        if (body === undefined) throw new Error('the answer has no content');
        return body.transformToWebStream();
      } catch (error) {
        signal.throwIfAborted();
        throw asS3Error(error, `s3://${bucket}/${key}`);
      }
    },
  };
}

/** Objects by release; those in folders within a release are no part of a model. */
async function readReleases(
  s3: S3,
  place: Place,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly BucketFile[]>> {
  const releases = new Map<string, BucketFile[]>();
  for (const file of await readFiles(s3, place, signal)) {
    const [release = '', name = '', ...deeper] = file.name.split('/');
    if (release === '' || name === '' || deeper.length > 0) continue;
    releases.set(release, [...(releases.get(release) ?? []), { ...file, name }]);
  }
  return releases;
}

/** Everything under a prefix, named from there. */
async function readFiles(s3: S3, place: Place, signal: AbortSignal): Promise<readonly BucketFile[]> {
  const files: BucketFile[] = [];
  for await (const { key, size, etag } of s3.list(place, signal)) {
    files.push({ name: key.slice(place.prefix.length), key, etag, sizeBytes: size, tag: etag, digest: null });
    if (files.length > MAX_OBJECTS) throw tooMany(place);
  }
  return files;
}

type Judged = JudgedFiles<BucketFile> & { readonly version: string };

async function judge(s3: S3, place: Place, release: string, signal: AbortSignal): Promise<Judged> {
  const all = await readFiles(s3, { ...place, prefix: `${place.prefix}${release}/` }, signal);
  const files = all.filter(({ name }) => name !== '' && !name.includes('/'));
  const judged = await judgeFiles(files, async (index) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await s3.read(place, index, 0, signal)) chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
  });
  return { ...judged, version: fingerprintOf(files) };
}

function placeIn(family: FamilySpec): Place {
  const place = placeOf(family);
  return place.kind === 'bucket' ? place : { bucket: '', prefix: '' };
}

function addressOf({ bucket, prefix }: Place, name: string): string {
  return `s3://${bucket}/${prefix}${name}`;
}

function gone(place: Place, name: string, why: string): RegraftError {
  return new RegraftError(
    'SOURCE_RELEASE_GONE',
    `Release ${name}: ${addressOf(place, name)} is no complete model any more: ${why}; put it back, or leave it out for good.`,
    { retryable: true },
  );
}

function tooMany({ bucket, prefix }: Place): RegraftError {
  return new RegraftError(
    'S3_TOO_MANY',
    `s3://${bucket}/${prefix} has more than ${String(MAX_OBJECTS)} objects; name a prefix that has the releases alone.`,
  );
}
