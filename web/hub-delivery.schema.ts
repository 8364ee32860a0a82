import { z } from 'zod';
import type { WebhookClaim } from '../policy/webhook.ts';

/** Longest texts that are looked at; everything real is far shorter. */
const MAX_TEXT = 300;
const MAX_REFS = 1000;

const textSchema = z.string().max(MAX_TEXT);
const shaSchema = z.string().regex(/^[0-9a-f]{7,64}$/i, 'a commit in hexadecimal digits');

/** The body of a webhook in the Hub's format, version 3. It is the Hub's, so keys that nobody here knows are left out. */
const hubDeliverySchema = z.object({
  event: z.object({ action: textSchema, scope: textSchema }),
  repo: z.object({
    type: textSchema,
    name: z
      .string()
      .max(MAX_TEXT)
      .regex(/^[\w.-]+(\/[\w.-]+)?$/, 'OWNER/NAME'),
    headSha: shaSchema.nullish(),
  }),
  updatedRefs: z
    .array(z.object({ ref: textSchema, newSha: shaSchema.nullable() }))
    .max(MAX_REFS)
    .nullish(),
});

export type ParsedDelivery =
  { readonly kind: 'delivery'; readonly claim: WebhookClaim } | { readonly kind: 'problem'; readonly problem: string };

/** Reads a body; says in a few words what is wrong with it otherwise, never what it holds. */
export function parseHubDelivery(text: string): ParsedDelivery {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'problem', problem: 'it is not JSON' };
  }
  const { success, data, error } = hubDeliverySchema.safeParse(value);
  if (!success) {
    const where = error.issues.map(({ path }) => (path.length === 0 ? 'the whole' : path.join('.')));
    return {
      kind: 'problem',
      problem: `it is not as the Hub writes it: ${[...new Set(where)].slice(0, 5).join(', ')}`,
    };
  }
  const { event, repo, updatedRefs } = data;
  const head = repo.headSha === null || repo.headSha === undefined ? [] : [{ ref: 'HEAD', newSha: repo.headSha }];
  const { type, name } = repo;
  return { kind: 'delivery', claim: { ...event, repo: { type, name }, changes: updatedRefs ?? head } };
}
