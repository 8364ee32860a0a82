import type { ArtifactKind, ArtifactManifest, Provenance } from '../contracts/artifact.schema.ts';
import type { Release } from '../contracts/release.ts';
import type { FamilySpec, SuiteSpec } from '../contracts/lineage-spec.schema.ts';

/**
 * Content-addressed store: artifacts and records by sha256, refs that move only by compare-and-swap. Safe to share
 * between processes; every call may be repeated.
 */
export interface ArtifactStore {
  /**
   * Takes a folder's files in and returns the manifest; the same content again returns the first manifest.
   * `take: 'link'` is for files that nobody will change in place any more; `'copy'` for everything else.
   */
  putFolder(input: {
    readonly kind: ArtifactKind;
    readonly folder: string;
    readonly files: readonly string[];
    readonly provenance: Provenance;
    readonly take: 'copy' | 'link';
    readonly signal: AbortSignal;
  }): Promise<ArtifactManifest>;
  /** @throws STORE_NOT_FOUND */
  manifest(digest: string): Promise<ArtifactManifest>;
  /** A read-only folder with the artifact's files. @throws STORE_NOT_FOUND, STORE_CORRUPT */
  materialize(digest: string): Promise<string>;
  /** Keeps a JSON value; returns the sha256 of its canonical form. */
  putRecord(value: unknown): Promise<string>;
  /** @throws STORE_NOT_FOUND, STORE_CORRUPT */
  getRecord(digest: string): Promise<unknown>;
  readRef(name: string): Promise<string | null>;
  /**
   * Moves a ref from the value the caller saw (null: not set) to another; nothing changes when it has a different one by
   * now. Returns whether it moved, and the value that stands.
   */
  swapRef(
    name: string,
    from: string | null,
    to: string,
  ): Promise<{ readonly swapped: boolean; readonly current: string | null }>;
}

/** A place where releases appear. */
export interface ReleaseSource {
  /** Names of what is complete by now; half-written ones are left out. Unordered. */
  list(family: FamilySpec): Promise<readonly string[]>;
  /** Folder and address of a release for reading. @throws SOURCE_RELEASE_GONE, retryable */
  open(family: FamilySpec, name: string): Promise<{ readonly folder: string; readonly uri: string }>;
}

/** The door to other workflows, for activities: made real with the Temporal client. */
export interface LineageDoor {
  /** Names of the releases that a lineage has already taken in; empty when it does not run yet. */
  knownReleases(lineage: string): Promise<readonly string[]>;
  /** Hands a pinned release over; doing it twice changes nothing. */
  observeRelease(lineage: string, release: Release): Promise<void>;
  /** Tells a run that a checkpoint is in the store; repeats are dropped there. */
  announceCheckpoint(workflowId: string, runId: string, checkpoint: CheckpointNotice): Promise<void>;
}

export interface CheckpointNotice {
  readonly step: number;
  readonly modelDigest: string;
}

/** Folders of this machine for unfinished work: a cache and a scratch pad, never the truth. */
export interface Workspace {
  /** An empty folder path (its parent exists, it does not); what an earlier attempt left there is removed. */
  scratch(key: string): Promise<string>;
  /** A run's training folder, made if missing, kept between attempts. */
  training(key: string): Promise<string>;
  remove(path: string): Promise<void>;
}

/** An evaluation set in memory. */
export interface Suite {
  readonly name: string;
  /** sha256 over the suite's definition and samples. */
  readonly digest: string;
  readonly samples: readonly { readonly prompt: string; readonly completion: string }[];
}

export interface SampleResult {
  readonly correct: boolean;
  /** Mean over the reference answer's tokens, nats. */
  readonly lossNats: number;
  readonly answerTokens: number;
}

/** Scores a model folder on a suite. Same inputs, same results. */
export interface Evaluator {
  /** Name, version and settings: part of what makes two results comparable. */
  readonly harness: string;
  evaluate(input: {
    readonly modelFolder: string;
    readonly suite: Suite;
    readonly signal: AbortSignal;
    readonly onProgress: (done: number, total: number) => void;
  }): Promise<readonly SampleResult[]>;
}

/** Reads evaluation sets and datasets of a spec. */
export interface DataReader {
  /** @throws SUITE_INVALID */
  suite(spec: SuiteSpec): Promise<Suite>;
  /** sha256 of a dataset file, or of the name and commit of one on the Hub. @throws DATASET_NOT_FOUND, DATASET_NOT_PINNED */
  datasetDigest(path: string): Promise<string>;
}

/** A place models go live. */
export interface Publisher {
  /**
   * Two phases: upload and verify a version, then flip the alias. Publishing what is already live changes nothing.
   * @throws PUBLISH_VERIFY_FAILED
   */
  publish(input: {
    readonly target: string;
    readonly modelFolder: string;
    readonly manifest: ArtifactManifest;
    readonly card: string;
    readonly provenance: unknown;
  }): Promise<{ readonly previousDigest: string | null }>;
}

export interface Clock {
  now(): Date;
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}
