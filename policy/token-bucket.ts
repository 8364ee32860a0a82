/** How much may pass: `burst` at once after a quiet time, and `perSecond` for as long as one likes. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** What is left at a moment (milliseconds of any clock that does not go back). */
export interface TokenBucket {
  readonly tokens: number;
  readonly atMs: number;
}

/** What one more leads to: it passes, or may be tried again after `retryAfterSeconds`, a whole number of at least 1. */
export type Taken =
  | { readonly bucket: TokenBucket; readonly passes: true }
  | { readonly bucket: TokenBucket; readonly passes: false; readonly retryAfterSeconds: number };

/** A bucket that nobody has taken from. */
export function fullBucket({ burst }: Rate, nowMs: number): TokenBucket {
  return { tokens: burst, atMs: nowMs };
}

/** Takes one token if there is one. A clock that goes back refills nothing. */
export function takeToken(bucket: TokenBucket, rate: Rate, nowMs: number): Taken {
  const elapsedMs = Math.max(0, nowMs - bucket.atMs);
  const tokens = Math.min(rate.burst, bucket.tokens + (elapsedMs / 1000) * rate.perSecond);
  const atMs = Math.max(bucket.atMs, nowMs);
  if (tokens >= 1) return { bucket: { tokens: tokens - 1, atMs }, passes: true };
  const retryAfterSeconds = Math.max(1, Math.ceil((1 - tokens) / rate.perSecond));
  return { bucket: { tokens, atMs }, passes: false, retryAfterSeconds };
}
