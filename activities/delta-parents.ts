import type { ArtifactStore } from './ports.ts';

/**
 * Digests of the two models that a Δ of the store is the difference of; null where it does not say.
 * @throws STORE_NOT_FOUND
 */
export async function deltaParents(
  store: ArtifactStore,
  delta: string,
): Promise<{ readonly tuned: string; readonly base: string } | null> {
  const { provenance } = await store.manifest(delta);
  return provenance.kind === 'difference' ? provenance : null;
}
