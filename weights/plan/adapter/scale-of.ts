import type { AdapterConfig, ModulePattern } from './parse-adapter-config.ts';

/** The rank of a module's adapter and what its B·A is multiplied by. */
export interface ModuleScale {
  readonly rank: number;
  /** alpha / rank, or alpha / √rank: one float64 division, and one square root before it. */
  readonly scale: number;
}

/** Looks a module up in the patterns as PEFT does: the first pattern that fits the end of its name, else the default. */
export function scaleOf(config: AdapterConfig, module: string): ModuleScale {
  const rank = lookUp(config.rankPattern, module) ?? config.rank;
  const alpha = lookUp(config.alphaPattern, module) ?? config.alpha;
  return { rank, scale: alpha / (config.useRslora ? Math.sqrt(rank) : rank) };
}

function lookUp(patterns: readonly ModulePattern[], module: string): number | undefined {
  return patterns.find(({ pattern }) => pattern.test(module))?.value;
}
