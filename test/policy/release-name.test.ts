import { describe, expect, it } from 'vitest';
import { parseReleaseName } from '../../policy/release-name.ts';

describe('parseReleaseName', () => {
  it.each([
    ['M{release}', 'M2', { release: 2 }],
    ['M{release}', 'M007', { release: 7 }],
    [
      'stage{stage}-step{step}-tokens{tokens}B',
      'stage1-step300000-tokens1259B',
      { stage: 1, step: 300_000, tokens: 1259 },
    ],
    ['v{major}.{minor}', 'v1.20', { major: 1, minor: 20 }],
    ['{step}', '999999999999999', { step: 999_999_999_999_999 }],
  ])('reads %s against %s', (pattern, name, fields) => {
    expect(parseReleaseName(pattern, name)).toEqual(fields);
  });

  it.each([
    ['M{release}', 'M'],
    ['M{release}', 'M2-draft'],
    ['M{release}', 'old-M2'],
    ['M{release}', 'm2'],
    ['M{release}', 'M-2'],
    ['M{release}', 'M1.5'],
    ['M{release}', 'M2\n'],
    ['M{release}', 'M1234567890123456'],
    ['v{major}.{minor}', 'v1x20'],
    ['a+b{n}', 'aab1'],
    ['(x|y){n}', 'x1'],
  ])('finds that %s does not cover %j', (pattern, name) => {
    expect(parseReleaseName(pattern, name)).toBeNull();
  });
});
