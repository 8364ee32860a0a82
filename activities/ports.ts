import type { ArtifactKind, ArtifactManifest, Provenance } from '../contracts/artifact.schema.ts';
import type { Release } from '../contracts/release.ts';
import type { HarnessIdentity, OutcomeUnit, SampleResult } from '../contracts/evaluation.schema.ts';
import type { FamilySpec, SuiteSpec } from '../contracts/lineage-spec.schema.ts';
import type { CommandDefinition, HarnessName, LmEvalDefinition, Scorer } from '../contracts/suite.schema.ts';
import type { ChatMessage } from '../inference/index.ts';

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
}

export interface Clock {
  now(): Date;
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}
