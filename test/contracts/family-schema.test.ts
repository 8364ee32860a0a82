import { describe, expect, it } from 'vitest';
import { patternOf, placeInWords, placeOf } from '../../contracts/family.ts';
import { familyProblems, familySchema } from '../../contracts/family.schema.ts';
import { parsePattern } from '../../contracts/release-pattern.ts';

const NAMES = { names: 'M{release}', order: ['release'] };
const OLMO = 'allenai/OLMo-2-1124-7B';

function problemsOf(family: Readonly<Record<string, unknown>>): readonly string[] {
  const parsed = familySchema.safeParse(family);
  if (!parsed.success) return parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  return familyProblems(parsed.data).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('a family', () => {
  it.each([
    [{ folder: '/models', ...NAMES }, { kind: 'folder', folder: '/models' }, '/models'],
    [{ hub: OLMO, revisions: 'step{step}', order: ['step'] }, { kind: 'revisions', repo: OLMO }, `${OLMO} on the Hub`],
    [{ hub: OLMO, ...NAMES }, { kind: 'repos', repos: [OLMO] }, `${OLMO} on the Hub`],
    [{ hub: ['a/M1', 'b/M2'], ...NAMES }, { kind: 'repos', repos: ['a/M1', 'b/M2'] }, 'a/M1, b/M2 on the Hub'],
    [{ organisation: 'Qwen', ...NAMES }, { kind: 'organisation', organisation: 'Qwen' }, 'Qwen on the Hub'],
    [
      { bucket: 's3://models/base/llama/', ...NAMES },
      { kind: 'bucket', bucket: 'models', prefix: 'base/llama/' },
      's3://models/base/llama/',
    ],
    [{ bucket: 's3://models', ...NAMES }, { kind: 'bucket', bucket: 'models', prefix: '' }, 's3://models/'],
  ])('%j lies at one place', (family, place, words) => {
    expect(problemsOf(family)).toEqual([]);
    const parsed = familySchema.parse(family);
    expect([placeOf(parsed), placeInWords(parsed)]).toEqual([place, words]);
    expect(patternOf(parsed)).toBe('revisions' in family ? 'step{step}' : 'M{release}');
  });

  it.each([
    [NAMES, 'family: says not where releases come from; add one of `folder`, `hub`, `organisation`, `bucket`'],
    [
      { folder: '/m', hub: 'a/b', ...NAMES },
      'family: has `folder` and `hub`; releases come from one place, keep one of them',
    ],
    [
      { folder: '/m', revisions: 'M{n}', order: ['n'] },
      'family.revisions: are those of one repo of the Hub; use `names` alone for everything else',
    ],
    [
      { hub: ['a/b'], revisions: 'M{n}', order: ['n'] },
      'family.revisions: are those of one repo of the Hub; use `names` alone for everything else',
    ],
    [{ hub: 'a/b', order: ['n'] }, "family: has no pattern of release names; add one, e.g. `revisions: 'step{step}'`"],
    [{ folder: '/m', order: ['n'] }, "family: has no pattern of release names; add one, e.g. `names: 'M{release}'`"],
    [
      { folder: '/m', names: 'M{release}', order: ['step'] },
      'family.order.0: `step` is not a field of the pattern `M{release}`; use one of release',
    ],
    [
      { hub: ['a/M1', 'b/M1'], ...NAMES },
      'family.hub.1: a repo called `M1` is in the list already; releases need names of their own',
    ],
    [{ folder: '/m', names: 'M{n}[', order: ['n'] }, /^family\.names: `M\{n\}\[` has a `\[` without `\]`/],
    [{ hub: 'no-owner', revisions: 'M{n}', order: ['n'] }, /^hub: /],
    [{ hub: 'a/../b', revisions: 'M{n}', order: ['n'] }, /^hub: /],
    [{ organisation: 'a/b', ...NAMES }, /^organisation: write the name of one owner/],
    [{ bucket: 'https://models', ...NAMES }, /^bucket: write s3:/],
    [{ folder: '/m', ...NAMES, moved: 'ignore' }, /^moved: /],
  ])('%j is refused in words', (family, problem) => {
    const problems = problemsOf(family);
    expect(problems).toEqual([typeof problem === 'string' ? problem : expect.stringMatching(problem)]);
  });
});

describe('a pattern', () => {
  it.each([
    ['M{a}[-{b}[-{c}]]', /optional part within another/],
    ['M{a}]', /`\]` without `\[`/],
    ['M{a}\\', /ends with a backslash/],
    ['M{a:words}', /has `\{a:words\}`; a field is/],
    ['M{a', /has `\{a`; a field is/],
    ['M{1a}', /has `\{1a\}`/],
    ['M{a}-{a}', /names the field `a` twice/],
    ['M{a}{b}', /nothing between `a` and the field after it/],
    ['M{a}[{b}]', /nothing between/],
    ['*a*b*c*d*e{a}', /more than 4 times any text/],
    ['M', /has no field/],
  ])('%s is refused', (pattern, problem) => {
    expect(parsePattern(pattern).problem).toMatch(problem);
  });
});
