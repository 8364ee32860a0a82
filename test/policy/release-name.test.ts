import { describe, expect, it } from 'vitest';
import { fieldsInWords, parseReleaseName } from '../../policy/release-name.ts';

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
    ['[Meta-]Llama-{version:version}-8B', 'Meta-Llama-3-8B', { version: [3] }],
    ['[Meta-]Llama-{version:version}-8B', 'Llama-3.1-8B', { version: [3, 1] }],
    ['v{at:version}', 'v2.10.3', { at: [2, 10, 3] }],
    ['step{step}-tokens{tokens:count}', 'step3-tokens1.5B', { step: 3, tokens: 1_500_000_000 }],
    ['tokens{tokens:count}', 'tokens300M', { tokens: 300_000_000 }],
    ['tokens{tokens:count}', 'tokens2t', { tokens: 2_000_000_000_000 }],
    ['tokens{tokens:count}', 'tokens64k', { tokens: 64_000 }],
    ['tokens{tokens:count}', 'tokens17', { tokens: 17 }],
    ['tokens{tokens:count}B', 'tokens1259B', { tokens: 1259 }],
    ['s{stage}[-i{soup}]-step{step}', 's2-i1-step6000', { stage: 2, soup: 1, step: 6000 }],
    ['s{stage}[-i{soup}]-step{step}', 's1-step3', { stage: 1, step: 3 }],
    ['step{step}*', 'step5-draft', { step: 5 }],
    ['*/step{step}', 'runs/a/step5', { step: 5 }],
    ['stage{stage}…-step{step}', 'stage2-ingredient1-step7', { stage: 2, step: 7 }],
    ['\\[{n}\\]', '[4]', { n: 4 }],
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
    ['v{at:version}', 'v1.2.3.4'],
    ['v{at:version}', 'v1.'],
    ['tokens{tokens:count}', 'tokensB'],
    ['tokens{tokens:count}', 'tokens3G'],
    ['s{stage}[-i{soup}]', 's1-i'],
    ['M{release', 'M1'],
  ])('finds that %s does not cover %j', (pattern, name) => {
    expect(parseReleaseName(pattern, name)).toBeNull();
  });
});

describe('a hostile name', () => {
  it('is compared before anybody loses patience, however much of it could be any text', () => {
    const name = 'a'.repeat(255);
    expect(parseReleaseName('*a*a*a*{n}', name)).toBeNull();
    expect(parseReleaseName('*{n}', `${name}1`)).toBeNull(); // too long for a release
  });
});

describe('fieldsInWords', () => {
  it('tells what a name says, and what it does not', () => {
    const pattern = 'v{version:version}[-step{step}]';
    expect(fieldsInWords('v3.1-step5', pattern, ['version', 'step'])).toBe('version 3.1, step 5');
    expect(fieldsInWords('v3.1', pattern, ['version', 'step'])).toBe('version 3.1, no step');
  });
});
