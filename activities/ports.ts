import type { ArtifactKind, ArtifactManifest, Provenance } from '../contracts/artifact.schema.ts';
import type { Release } from '../contracts/release.ts';
import type { HarnessIdentity, OutcomeUnit, SampleResult } from '../contracts/evaluation.schema.ts';
import type { FamilySpec } from '../contracts/family.schema.ts';
import type { SuiteSpec } from '../contracts/lineage-spec.schema.ts';
import type { CommandDefinition, HarnessName, LmEvalDefinition, Scorer } from '../contracts/suite.schema.ts';
import type { ChatMessage } from '../inference/index.ts';
import type { KnownRelease, ListedRelease } from '../policy/choose-releases.ts';

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

/** What a source has now. */
export interface SourceListing {
  /** Names with what the source calls their content; complete or not. Unordered. */
  readonly releases: readonly ListedRelease[];
  /** What can be no release whatever it is called, and why, for people. */
  readonly ignored: readonly { readonly name: string; readonly why: string }[];
}

/** A release at its source, before anything of it is fetched. */
export type ReleaseLook =
  | {
      readonly kind: 'complete';
      /** Fingerprint of the model's files alone: a changed model card leaves it as it is. */
      readonly content: string;
      readonly sizeBytes: number;
      /** Null where telling would mean to fetch weights. */
      readonly parameterCount: number | null;
      /** What would keep it from being recycled, as sentences. */
      readonly problems: readonly string[];
    }
  | { readonly kind: 'incomplete'; readonly why: string };

/** A release's files on this machine, for reading. */
export interface OpenedRelease {
  readonly folder: string;
  readonly uri: string;
  /** What the source called the content that was opened. */
  readonly version: string;
  /** As {@link ReleaseLook} has it. */
  readonly content: string;
  /** `link`: fetched, and nobody's but ours. */
  readonly take: 'copy' | 'link';
}

/** A place where releases appear. Errors: SOURCE_*, and HUB_* or S3_* by place. */
export interface ReleaseSource {
  /** Asks what there is, in few requests, and fetches nothing of it. */
  list(family: FamilySpec, signal: AbortSignal): Promise<SourceListing>;
  /** Whether one of them is whole by now; a half-written one is not yet a release. */
  look(family: FamilySpec, release: ListedRelease, signal: AbortSignal): Promise<ReleaseLook>;
  /**
   * Fetches a release into a folder that does not exist yet, if it does not lie on this machine; digests are checked where
   * the source tells them. A place without history opens what is there now. @throws SOURCE_RELEASE_GONE, retryable
   */
  open(input: {
    readonly family: FamilySpec;
    readonly release: ListedRelease;
    readonly into: string;
    readonly signal: AbortSignal;
    readonly onProgress: (doneBytes: number, totalBytes: number) => void;
  }): Promise<OpenedRelease>;
}

/** The door to other workflows, for activities: made real with the Temporal client. */
export interface LineageDoor {
  /** The releases that a lineage has already taken in; empty when it does not run yet. */
  knownReleases(lineage: string): Promise<readonly KnownRelease[]>;
  /** Hands a pinned release over; doing it twice changes nothing. `known`: by its name, or its content by another. */
  observeRelease(lineage: string, release: Release): Promise<'queued' | 'known'>;
  /** Puts trouble that is nobody's failure into a lineage's log; the same again changes nothing. */
  noteTrouble(lineage: string, trouble: { readonly what: string; readonly why: string }): Promise<void>;
  /** Tells a run that a checkpoint is in the store; repeats are dropped there. */
  announceCheckpoint(workflowId: string, runId: string, checkpoint: CheckpointNotice): Promise<void>;
}

export interface CheckpointNotice {
  readonly step: number;
  readonly modelDigest: string;
  /** Seconds in which a trainer was launched by then, all attempts together. */
  readonly trainedSeconds: number;
}

/** Folders of this machine for unfinished work: a cache and a scratch pad, never the truth. */
export interface Workspace {
  /** An empty folder path (its parent exists, it does not); what an earlier attempt left there is removed. */
  scratch(key: string): Promise<string>;
  /** A run's training folder, made if missing, kept between attempts. */
  training(key: string): Promise<string>;
  remove(path: string): Promise<void>;
}

/** What every evaluation set has, whoever scores it. */
interface SuiteBase {
  readonly name: string;
  /** sha256 over the definition and everything that is asked, whatever the files are called. */
  readonly digest: string;
  readonly unit: OutcomeUnit;
}

/** Questions with reference answers, scored by `onnx`. */
export interface SamplesSuite extends SuiteBase {
  readonly kind: 'samples';
  readonly scorer: Exclude<Scorer, { readonly kind: 'perplexity' }>;
  readonly samples: readonly SuiteSample[];
  /** Texts at which a written answer ends; none: at the end token only. */
  readonly stop: readonly string[];
  readonly maxNewTokens: number;
}

export interface SuiteSample {
  readonly id: string;
  /** What the model reads: text, or messages for its chat template; examples and all. */
  readonly prompt: string | readonly ChatMessage[];
  /** The reference answer. */
  readonly answer: string;
  /** What there is to choose from, and which of them is right; only for multiple choice. */
  readonly choices: { readonly texts: readonly string[]; readonly right: number } | null;
}

/** Text whose perplexity is asked for, scored by `onnx`. */
export interface TextSuite extends SuiteBase {
  readonly kind: 'text';
  /** Each a sample under its id; the one of a plain text has none, and its windows are the samples. */
  readonly documents: readonly { readonly id: string | null; readonly text: string }[];
  /** Tokens a window has at most, where the model has as many positions. */
  readonly contextTokens: number;
  /** Tokens between the starts of windows; null: as many as a window has. */
  readonly stride: number | null;
  /** Windows of a plain text that count; null: all. */
  readonly windows: number | null;
}

/** A task of lm-eval. */
export interface LmEvalSuite extends SuiteBase {
  readonly kind: 'lm-eval';
  /** The suite's own; where the harness is started. */
  readonly folder: string;
  readonly definition: LmEvalDefinition;
}

/** A program that scores. */
export interface CommandSuite extends SuiteBase {
  readonly kind: 'command';
  /** The suite's own; where the program is started. */
  readonly folder: string;
  readonly definition: CommandDefinition;
  /** Samples that must come back; null: whatever comes. */
  readonly ids: readonly string[] | null;
}

/** An evaluation set, read and checked. */
export type Suite = SamplesSuite | TextSuite | LmEvalSuite | CommandSuite;

/** Scores a model folder on a suite. Same inputs, same results. */
export interface Evaluator {
  readonly name: HarnessName;
  /** What its results may be compared with: name, version, and settings that change results. Asked before any work. */
  identity(suite: Suite): Promise<HarnessIdentity>;
  /** One result a sample, in the suite's order. Errors: EVALUATE_*, and those of the engine that it scores with. */
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
  /**
   * Makes a version that was live before live again, with the card that it had; one that is gone or damaged is uploaded
   * again. Restoring what is live changes nothing.
   * @throws PUBLISH_VERIFY_FAILED
   */
  restore(input: {
    readonly target: string;
    readonly modelFolder: string;
    readonly manifest: ArtifactManifest;
  }): Promise<{ readonly previousDigest: string | null }>;
}

export interface Clock {
  now(): Date;
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}
