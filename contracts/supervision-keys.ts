/** Keys of a fine-tune that only say how it is looked after; the others change what is computed. */
export const SUPERVISION_KEYS = [
  'queue',
  'launcher',
  'stallAfter',
  'leaseFor',
  'giveUpAfter',
  'keepLast',
  'replayTolerance',
  'environment',
] as const;
