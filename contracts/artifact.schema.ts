import { z } from 'zod';

/** 64 lower-case hexadecimal digits. */
export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);

/** Where an artifact came from: what was combined or trained, always by digest. */
export const provenanceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('release'), name: z.string(), uri: z.string() }),
  z.strictObject({ kind: z.literal('recycled'), target: sha256Schema, delta: sha256Schema, scale: z.number() }),
  z.strictObject({ kind: z.literal('checkpoint'), run: z.string(), start: sha256Schema, step: z.int().min(0) }),
  z.strictObject({ kind: z.literal('difference'), tuned: sha256Schema, base: sha256Schema }),
]);
export type Provenance = z.output<typeof provenanceSchema>;

export const artifactFileSchema = z.strictObject({
  path: z.string(),
  sha256: sha256Schema,
  sizeBytes: z.int().min(0),
});
/** One file of an artifact: path relative to its folder, '/'-separated. */
export type ArtifactFile = z.output<typeof artifactFileSchema>;

/**
 * A model or a delta in the store. `digest` is the sha256 of the canonical JSON of (kind, files sorted by path): it names
 * the content alone, so equal bytes have one digest wherever they came from.
 */
export const artifactManifestSchema = z.strictObject({
  schema: z.literal('regraft.artifact/1'),
  kind: z.enum(['model', 'delta']),
  digest: sha256Schema,
  files: z.array(artifactFileSchema).min(1),
  sizeBytes: z.int().min(0),
  provenance: provenanceSchema,
  createdAt: z.iso.datetime(),
});
export type ArtifactManifest = z.output<typeof artifactManifestSchema>;
export type ArtifactKind = ArtifactManifest['kind'];
