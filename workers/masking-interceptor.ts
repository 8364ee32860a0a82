import type { WorkerInterceptors } from '@temporalio/worker';
import type { Secrets } from './secrets.ts';

/** Whatever an activity answers or fails with goes into a history: secrets leave it as their names. */
export function maskingInterceptors({ mask }: Secrets): WorkerInterceptors {
  return {
    activity: [
      () => ({
        inbound: {
          async execute(input, next) {
            try {
              return maskValue(await next(input), mask);
            } catch (error) {
              maskError(error, mask);
              throw error;
            }
          },
        },
      }),
    ],
  };
}

type Mask = (text: string) => string;

/** A copy of a plain JSON value. */
function maskValue(value: unknown, mask: Mask): unknown {
  if (typeof value === 'string') return mask(value);
  if (Array.isArray(value)) return value.map((item: unknown) => maskValue(item, mask));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]: [string, unknown]) => [key, maskValue(item, mask)]),
  );
}

/** In place: what kind of failure it is has to stay, and the SDK knows it by its class. */
function maskError(error: unknown, mask: Mask): void {
  if (!(error instanceof Error)) return;
  error.message = mask(error.message);
  if (error.stack !== undefined) error.stack = mask(error.stack);
  if ('details' in error && Array.isArray(error.details)) {
    error.details.splice(0, error.details.length, ...error.details.map((item: unknown) => maskValue(item, mask)));
  }
  maskError(error.cause, mask);
}
