/** What every error of Regraft carries, whichever folder it comes from (the engines define their own class of this shape). */
export interface CodedError {
  /** Stable, UPPER_SNAKE: what callers branch on. */
  readonly code: string;
  /** True when doing the same again later can succeed. */
  readonly retryable: boolean;
  /** Plain JSON facts behind the sentence. */
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * Base class of the service's errors. The message is one sentence: subject, what was found, what was expected, what to
 * do. One translator at the activity rim turns it into a Temporal failure whose type is the code.
 */
export class RegraftError extends Error implements CodedError {
  readonly code: string;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;
  /** How long to wait before doing it again, milliseconds; null: as its caller usually does. */
  readonly retryAfterMs: number | null;

  constructor(
    code: string,
    message: string,
    options: {
      readonly retryable?: boolean;
      readonly retryAfterMs?: number;
      readonly details?: Readonly<Record<string, unknown>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** Narrows anything thrown to the shape above, so that engines' own error classes are treated alike. */
export function isCodedError(error: unknown): error is Error & CodedError {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    'retryable' in error &&
    typeof error.retryable === 'boolean' &&
    'details' in error &&
    typeof error.details === 'object'
  );
}

/** The sentence of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
