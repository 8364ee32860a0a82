import { describe, expect, it } from 'vitest';
import { isSameModel } from '../../contracts/is-same-model.ts';
import type { PublishedModel } from '../../contracts/run.ts';
import { digestOf } from '../support/lineage-values.ts';

const model = (release: string, content: string): PublishedModel => ({
  ...{ release, candidateDigest: digestOf(content), suites: [] },
});

describe('two publications', () => {
  it('are of one model when its content is the same, whichever release brought it', () => {
    expect(isSameModel(model('M1', 'a'), model('M2', 'a'))).toBe(true);
    expect(isSameModel(model('M1', 'a'), model('M1', 'b'))).toBe(false);
  });
});
