import { z } from 'zod';

/** A span of time as people write it; `secondsOf` reads it. */
export const durationSchema = z
  .string()
  .regex(/^[1-9][0-9]*(s|m|h)$/, 'write a whole number and a unit: 30s, 5m or 1h')
  .describe('Whole number and unit: 30s, 5m, 1h');
