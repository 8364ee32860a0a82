/** Everything that the weights benchmark can measure, in the order of its table. */
export const CASE_IDS = [
  'cat',
  'cp',
  'sha256sum',
  'sha256-openssl',
  'recycle',
  'recycle-default',
  'mergekit',
  'whole-model',
  'cp-durable',
  'regraft-recycle',
  'recycle-4x',
  'plan-70b',
  'plan-70b-tokenizers',
] as const;

export type CaseId = (typeof CASE_IDS)[number];
