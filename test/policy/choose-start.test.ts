import { describe, expect, it } from 'vitest';
import {
  autoSchema,
  startChoiceSchema,
  type MeasuredLevel,
  type MeasuredMerge,
  type StartChoice,
  type StartMeasurements,
} from '../../contracts/choice.schema.ts';
import { chooseStart } from '../../policy/choose-start.ts';
import { digestOf } from '../support/lineage-values.ts';

const level = (score: number, samples = 400): MeasuredLevel => ({
  score,
  samples,
  standardError: Math.sqrt((score * (1 - score)) / samples),
});
const merge = (scale: number, score: number, fields: Partial<MeasuredMerge> = {}): MeasuredMerge => ({
  scale,
  modelDigest: digestOf(`merge ${String(scale)}`),
  level: level(score),
  gate: 'reject',
  forbidden: null,
  ...fields,
});
const measured = (fields: Partial<StartMeasurements> = {}): StartMeasurements => ({
  base: { release: 'M2', modelDigest: digestOf('base'), level: level(0.3) },
  merges: [merge(1, 0.5)],
  published: { release: 'M1', level: level(0.7) },
  oldFinetune: { release: 'M1', level: level(0.7) },
  ...fields,
});
const choose = (fields: Partial<StartMeasurements>, auto: Readonly<Record<string, unknown>> = {}): StartChoice =>
  chooseStart(measured(fields), autoSchema.parse(auto));

describe('chooseStart', () => {
  it('publishes a merge that passes the gate, reaches the old fine-tune and is over the base', () => {
    const choice = choose({ merges: [merge(1, 0.72, { gate: 'pass' })] });
    expect(choice).toEqual({
      kind: 'publish-merge',
      scale: 1,
      modelDigest: digestOf('merge 1'),
      reason:
        "the merge with λ = 1 at 0.720 passes the gate, reaches the 0.700 of M1's fine-tune and is over the base's 0.300: it needs no training",
      measurements: measured({ merges: [merge(1, 0.72, { gate: 'pass' })] }),
    });
    expect(startChoiceSchema.parse(JSON.parse(JSON.stringify(choice)))).toEqual(choice);
  });

  it('publishes the best of several such merges, of equal ones that with λ nearest to 1', () => {
    const pass = { gate: 'pass' } as const;
    expect(choose({ merges: [merge(1, 0.72, pass), merge(0.5, 0.75, pass), merge(0.8, 0.9)] })).toMatchObject({
      scale: 0.5,
    });
    expect(choose({ merges: [merge(0.5, 0.75, pass), merge(1, 0.75, pass)] })).toMatchObject({ scale: 1 });
  });

  it.each([
    ['the gate rejects it', merge(1, 0.72), 'it does not pass the gate as it stands'],
    ['no gate judged it', merge(1, 0.72, { gate: null }), 'it was not judged by a gate'],
    ['it is under the old fine-tune', merge(1, 0.69, { gate: 'pass' }), "it is under the 0.700 of M1's fine-tune"],
  ])('fine-tunes from the merge when %s', (_why, one, why) => {
    expect(choose({ merges: [one] })).toMatchObject({
      kind: 'finetune',
      scale: 1,
      modelDigest: digestOf('merge 1'),
      reason: `fine-tune from the merge with λ = 1 at ${one.level?.score.toFixed(3) ?? ''}; ${why}; the base is at 0.300`,
    });
  });

  it('does not publish a merge that is not over the base', () => {
    const base = { release: 'M2', modelDigest: digestOf('base'), level: level(0.72) };
    expect(choose({ base, merges: [merge(1, 0.71, { gate: 'pass' })] })).toMatchObject({
      kind: 'finetune',
      reason: expect.stringContaining("it is not over the base's 0.720"),
    });
  });

  it('does not publish a merge while the level of the old fine-tune is not known', () => {
    expect(choose({ merges: [merge(1, 0.72, { gate: 'pass' })], oldFinetune: null })).toMatchObject({
      kind: 'finetune',
      scale: 1,
      reason: expect.stringContaining('the level of the old fine-tune is not known'),
    });
  });

  it('starts from the merge with λ nearest to 1, whatever the scores of the sweep', () => {
    const merges = [merge(0.3, 0.6), merge(0.9, 0.2), merge(1.2, 0.5)];
    expect(choose({ merges })).toMatchObject({ kind: 'finetune', scale: 0.9 });
  });

  it('lets a score under the base forbid nothing, and says so', () => {
    expect(choose({ merges: [merge(1, 0.1)] })).toMatchObject({
      kind: 'finetune',
      scale: 1,
      reason: expect.stringContaining('the base is at 0.300, and a low score of a merge forbids nothing'),
    });
  });

  it.each([['non-finite weights'], ['failed compatibility check'], ['wrong base']] as const)(
    'starts from no merge with %s',
    (forbidden) => {
      const broken = merge(1, 0.9, { forbidden, gate: 'pass' });
      expect(choose({ merges: [broken] })).toMatchObject({
        kind: 'finetune',
        scale: null,
        modelDigest: digestOf('base'),
        reason: `fine-tune from the base M2 at 0.300: no merge can be a start (${forbidden})`,
      });
      expect(choose({ merges: [broken, merge(0.5, 0.2)] })).toMatchObject({ kind: 'finetune', scale: 0.5 });
    },
  );

  it('starts from the base where there is no older Δ', () => {
    expect(choose({ merges: [], oldFinetune: null, published: null })).toMatchObject({
      kind: 'finetune',
      scale: null,
      reason: 'fine-tune from the base M2 at 0.300: there is no older Δ to add',
    });
  });

  describe('where the base is stronger than the old fine-tune', () => {
    const base = { release: 'M2', modelDigest: digestOf('base'), level: level(0.8) };

    it('skips, and says which numbers and what to set to train all the same', () => {
      expect(choose({ base })).toMatchObject({
        kind: 'skip',
        reason:
          "the base M2 scores 0.800, more than the 0.700 of M1's fine-tune beyond noise: there is nothing to carry over; set auto.whenBaseIsStronger: finetune to train all the same",
      });
    });

    it('does not skip for a difference that is noise', () => {
      const little = { ...base, level: level(0.74) };
      expect(choose({ base: little })).toMatchObject({ kind: 'finetune', scale: 1 });
      expect(
        choose({
          base: { ...base, level: { ...level(0.74), standardError: null } },
          oldFinetune: { release: 'M1', level: { ...level(0.7), standardError: null } },
        }).kind,
      ).toBe('skip');
    });

    it('publishes a merge that is better still', () => {
      expect(choose({ base, merges: [merge(1, 0.85, { gate: 'pass' })] })).toMatchObject({
        kind: 'publish-merge',
        scale: 1,
      });
    });

    it('fine-tunes where the spec says so, also instead of publishing: training should reach more', () => {
      expect(
        choose({ base, merges: [merge(1, 0.85, { gate: 'pass' })] }, { whenBaseIsStronger: 'finetune' }),
      ).toMatchObject({
        kind: 'finetune',
        scale: 1,
        reason: expect.stringContaining('training should reach more'),
      });
    });
  });
});
