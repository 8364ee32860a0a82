import { z } from 'zod';
import { durationSchema } from './duration.schema.ts';
import { fieldsOf, parsePattern } from './release-pattern.ts';

const repoSchema = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95}$/, 'write OWNER/NAME, e.g. allenai/OLMo-2-1124-7B');
const patternSchema = z
  .string()
  .max(256)
  .regex(/\{[a-z]/i, 'name at least one field in braces, e.g. M{release} or step{step}');

/** Keys of which a family has exactly one: where its releases lie. */
const SOURCES = ['folder', 'hub', 'organisation', 'bucket'] as const;

/** Where releases come from and the rule that orders them; docs/releases.md. */
export const familySchema = z.strictObject({
  folder: z
    .string()
    .min(1)
    .optional()
    .describe('Folder in which every sub-folder is one release (a complete model folder)'),
  hub: z
    .union([repoSchema, z.array(repoSchema).min(1).max(100)])
    .optional()
    .describe(
      'A repo of the Hub whose branches and tags are the releases (with `revisions`), or a list of repos, each one release at its main branch (with `names`)',
    ),
  organisation: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]{0,95}$/, 'write the name of one owner, e.g. Qwen')
    .optional()
    .describe('An owner on the Hub: every repo of that owner whose name follows `names` is one release'),
  bucket: z
    .string()
    .regex(/^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[^/]+)*\/?$/, 'write s3://BUCKET or s3://BUCKET/PREFIX')
    .optional()
    .describe('Prefix of an object store under which every folder is one release; s3://BUCKET/PREFIX'),
  names: patternSchema
    .optional()
    .describe(
      'Pattern of release names: {field} is a whole number, {field:version} a number with dots, {field:count} one with a unit (300M, 1.5B), […] an optional part, * any text. Names that do not match are ignored',
    ),
  revisions: patternSchema.optional().describe('As `names`, for the branches and tags of one repo of the Hub'),
  order: z.array(z.string()).min(1).describe('Fields of the pattern, most significant first'),
  since: z
    .string()
    .min(1)
    .optional()
    .describe('The watch leaves out releases before this one; `regraft release NAME --backfill` takes them'),
  moved: z
    .enum(['alarm', 'release'])
    .optional()
    .describe(
      'What it is when a release has other content than when it was first seen. alarm: noted, and the first content stays (default); release: the new content is a release of its own, right after the first',
    ),
  pollEvery: durationSchema.default('1m').describe('How often the source is asked for new releases'),
});
export type FamilySpec = z.output<typeof familySchema>;

/** A thing wrong between keys that are right each by itself. */
export interface FamilyProblem {
  readonly path: (string | number)[];
  readonly message: string;
}

/** Everything that is wrong between the keys of a family. */
export function familyProblems(family: FamilySpec): readonly FamilyProblem[] {
  const [source, ...others] = SOURCES.filter((key) => family[key] !== undefined);
  if (source === undefined)
    return [at([], 'says not where releases come from; add one of `folder`, `hub`, `organisation`, `bucket`')];
  if (others.length > 0)
    return [at([], `has \`${source}\` and \`${others.join('`, `')}\`; releases come from one place, keep one of them`)];
  const key = family.revisions === undefined ? 'names' : 'revisions';
  if (key === 'revisions' && (typeof family.hub !== 'string' || family.names !== undefined))
    return [at(['revisions'], 'are those of one repo of the Hub; use `names` alone for everything else')];
  const pattern = family[key];
  if (pattern === undefined) {
    const example = typeof family.hub === 'string' ? "`revisions: 'step{step}'`" : "`names: 'M{release}'`";
    return [at([], `has no pattern of release names; add one, e.g. ${example}`)];
  }
  return [...patternProblems(family, key, pattern), ...sameNames(family)];
}

function patternProblems(family: FamilySpec, key: 'names' | 'revisions', pattern: string): readonly FamilyProblem[] {
  const { parts, problem } = parsePattern(pattern);
  if (parts === null) return [at([key], `\`${pattern}\` ${problem}`)];
  const fields = fieldsOf(parts).map(({ name }) => name);
  return family.order.flatMap((field, index) => {
    if (fields.includes(field)) return [];
    const message = `\`${field}\` is not a field of the pattern \`${pattern}\`; use one of ${fields.join(', ')}`;
    return [at(['order', index], message)];
  });
}

/** A release is called as its repo is, without the owner. */
function sameNames({ hub }: FamilySpec): readonly FamilyProblem[] {
  const names = [hub ?? []].flat().map((repo) => repo.slice(repo.indexOf('/') + 1));
  return names.flatMap((name, index) => {
    if (names.indexOf(name) === index) return [];
    return [at(['hub', index], `a repo called \`${name}\` is in the list already; releases need names of their own`)];
  });
}

function at(path: (string | number)[], message: string): FamilyProblem {
  return { path: ['family', ...path], message };
}
