import { describe, expect, it } from 'vitest';
import { fullBucket, takeToken, type Taken, type TokenBucket } from '../../policy/token-bucket.ts';

const RATE = { burst: 3, perSecond: 0.5 };

function takeAll(bucket: TokenBucket, ...moments: readonly number[]): Taken {
  const [first = 0, ...rest] = moments;
  const taken = takeToken(bucket, RATE, first);
  return rest.length === 0 ? taken : takeAll(taken.bucket, ...rest);
}

describe('a token bucket', () => {
  it('lets its burst pass at once, and says when to try again', () => {
    const full = fullBucket(RATE, 1000);
    expect(takeAll(full, 1000, 1000, 1000)).toMatchObject({ passes: true });
    expect(takeAll(full, 1000, 1000, 1000, 1000)).toMatchObject({ passes: false, retryAfterSeconds: 2 });
    expect(takeAll(full, 1000, 1000, 1000, 2500)).toMatchObject({ passes: false, retryAfterSeconds: 1 });
  });

  it('passes one again once its time has come, and not one more', () => {
    const full = fullBucket(RATE, 1000);
    expect(takeAll(full, 1000, 1000, 1000, 3000)).toMatchObject({ passes: true });
    expect(takeAll(full, 1000, 1000, 1000, 3000, 3000)).toMatchObject({ passes: false });
  });

  it('never holds more than its burst, and gains nothing from a clock that goes back', () => {
    const full = fullBucket(RATE, 1000);
    expect(takeAll(full, 1_000_000, 1_000_000, 1_000_000, 1_000_000)).toMatchObject({ passes: false });
    expect(takeAll(full, 1000, 1000, 1000, 0, 1000)).toMatchObject({ passes: false, retryAfterSeconds: 2 });
  });
});
