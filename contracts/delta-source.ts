import type { Arm } from './lineage-spec.schema.ts';

/** The Δ a run starts from, and whose it is. */
export interface DeltaSource {
  /** Digest of the delta artifact. */
  readonly deltaDigest: string;
  readonly fromRelease: string;
  readonly fromArm: Arm;
  /** Fine-tuning steps already inside this Δ: what recycling carries over. */
  readonly steps: number;
}
