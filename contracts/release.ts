/** One immutable version of a base model as its source names it, before it is pinned. */
export interface ReleaseCandidate {
  /** Name within the family, e.g. `M2` or a revision; `NAME@COMMIT` where a known name came to stand for other content. */
  readonly name: string;
  /** Values of the family's order fields, most significant first. */
  readonly position: readonly number[];
  /** Where it lies, e.g. `file:///models/family/M2` or `hub://owner/name@commit`. */
  readonly uri: string;
}

/** A pinned release: its content is in the store under `digest` and never changes. */
export interface Release extends ReleaseCandidate {
  /** Digest of the model artifact (sha256, hexadecimal). */
  readonly digest: string;
  /** ISO time at which it was first pinned. */
  readonly firstSeenAt: string;
  /** What the source called the content then: a commit, or a fingerprint of the files. */
  readonly commit?: string;
  /** Handed over as part of the family's past: it is run in its turn, whatever the backlog would skip. */
  readonly backfill?: boolean;
}
