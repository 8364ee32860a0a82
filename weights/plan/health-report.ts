/** Sums of squares and products over some elements, as the kernels measure them. */
export interface HealthSums {
  /** Σ (λΔ)² */
  readonly moved: number;
  /** Σ target² */
  readonly target: number;
  /** Σ ((out − target) − λΔ)² */
  readonly error: number;
  /** Σ previous² */
  readonly previous: number;
  /** Σ λΔ · previous */
  readonly dot: number;
}

/** How a Δ lies beside what it is added to. Null: not defined (nothing to divide by), or not finite. */
export interface Health {
  /** ‖λΔ‖, L2. */
  readonly norm: number | null;
  /** ‖λΔ‖ / ‖target‖ */
  readonly relativeNorm: number | null;
  /** Cosine of λΔ and the previous Δ; null without one. */
  readonly cosine: number | null;
  /** ‖previous Δ‖; null without one. */
  readonly previousNorm: number | null;
  /** ‖(out − target) − λΔ‖ / ‖λΔ‖: what rounding to the output's dtype took from the Δ. */
  readonly realisedError: number | null;
}

/** The health of a whole output, and of every tensor that a Δ was added to. */
export interface HealthReport extends Health {
  readonly tensors: readonly (Health & { readonly name: string })[];
}

/** Sums up tensors in order. Pure. */
export function reportHealth(tensors: readonly (HealthSums & { readonly name: string })[]): HealthReport {
  const total = { moved: 0, target: 0, error: 0, previous: 0, dot: 0 };
  for (const sums of tensors) for (const key of KEYS) total[key] += sums[key];
  return { ...toHealth(total), tensors: tensors.map(({ name, ...sums }) => ({ name, ...toHealth(sums) })) };
}

const KEYS = ['moved', 'target', 'error', 'previous', 'dot'] as const;

function toHealth({ moved, target, error, previous, dot }: HealthSums): Health {
  return {
    norm: finite(Math.sqrt(moved)),
    relativeNorm: Number.isFinite(target) ? finite(Math.sqrt(moved) / Math.sqrt(target)) : null,
    cosine: finite(dot / (Math.sqrt(moved) * Math.sqrt(previous))),
    previousNorm: previous === 0 ? null : finite(Math.sqrt(previous)),
    realisedError: finite(Math.sqrt(error) / Math.sqrt(moved)),
  };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
