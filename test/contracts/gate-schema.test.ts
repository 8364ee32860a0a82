import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { autoSchema } from '../../contracts/choice.schema.ts';
import { stopSchema } from '../../contracts/curve.schema.ts';
import { gateSchema } from '../../contracts/gate.schema.ts';

/** Where a value is refused, as dotted paths. */
function refused(schema: z.ZodType, value: unknown): readonly string[] {
  const parsed = schema.safeParse(value);
  return parsed.success ? [] : parsed.error.issues.map(({ path }) => path.join('.'));
}

describe('gate in a lineage file', () => {
  it('needs nothing but the margins, and fills in the rest', () => {
    expect(gateSchema.parse({ nonInferior: { sums: 0.02 } })).toEqual({
      against: 'published',
      nonInferior: { sums: 0.02 },
      superior: {},
      floors: {},
      negativeFlips: {},
      alpha: 0.05,
      power: 0.8,
    });
  });

  it('takes every key', () => {
    const whole = {
      against: ['published', 'base', 'plain', 'previous'],
      nonInferior: { gsm8k: 0.01, regression: 0 },
      superior: { gsm8k: 0 },
      floors: { safety: 0.95, perplexity: -2.5 },
      negativeFlips: { regression: 0.02 },
      alpha: 0.01,
      power: 0.9,
      minSamples: 200,
    };
    expect(gateSchema.parse(whole)).toEqual(whole);
  });

  it.each([
    ['an unknown key', { nonInferiority: {} }, ['']],
    ['a margin above one', { nonInferior: { sums: 1.5 } }, ['nonInferior.sums']],
    ['a margin under nothing', { superior: { sums: -0.1 } }, ['superior.sums']],
    ['a share of flips above one', { negativeFlips: { sums: 2 } }, ['negativeFlips.sums']],
    ['a floor that is no number', { floors: { sums: NaN } }, ['floors.sums']],
    ['a name that is none', { nonInferior: { 'My suite': 0.1 } }, ['nonInferior.My suite']],
    ['nothing to compare with', { against: [] }, ['against']],
    ['an unknown reference', { against: 'best' }, ['against']],
    ['no risk at all', { alpha: 0 }, ['alpha']],
    ['a risk of one half', { alpha: 0.5 }, ['alpha']],
    ['a power of one', { power: 1 }, ['power']],
    ['half a sample', { minSamples: 0.5 }, ['minSamples']],
  ])('refuses %s', (_what, gate, paths) => {
    expect(refused(gateSchema, gate)).toEqual(paths);
  });

  it('can be described to an editor', () => {
    const described = JSON.stringify(z.toJSONSchema(gateSchema, { io: 'input' }));
    expect(described).toContain('"additionalProperties":false');
    expect(described).toContain('Suite name to margin');
  });
});

describe('stop in a lineage file', () => {
  it('stops for nothing that is not asked for, and fills in what is', () => {
    expect(stopSchema.parse({})).toEqual({});
    expect(stopSchema.parse({ target: 'plain', plateau: {}, diverging: {} })).toEqual({
      target: 'plain',
      plateau: { evaluations: 5 },
      diverging: { evaluations: 3, lossRise: 0.5 },
    });
    expect(stopSchema.parse({ target: 0.8 })).toEqual({ target: 0.8 });
  });

  it.each([
    ['an unknown target', { target: 'best' }, ['target']],
    ['a plateau of one evaluation', { plateau: { evaluations: 1 } }, ['plateau.evaluations']],
    ['a rise of nothing', { diverging: { lossRise: 0 } }, ['diverging.lossRise']],
    ['an unknown key', { patience: 5 }, ['']],
  ])('refuses %s', (_what, stop, paths) => {
    expect(refused(stopSchema, stop)).toEqual(paths);
  });
});

describe('auto in a lineage file', () => {
  it('measures λ = 1 and skips a base that has outgrown the fine-tune, unless it says otherwise', () => {
    expect(autoSchema.parse({})).toEqual({ scales: [1], whenBaseIsStronger: 'skip' });
    expect(autoSchema.parse({ scales: [0.5, 1], whenBaseIsStronger: 'finetune' }).scales).toEqual([0.5, 1]);
  });

  it.each([
    ['no scale', { scales: [] }, ['scales']],
    ['a scale of 0, which is the base', { scales: [0] }, ['scales.0']],
    ['an unknown answer', { whenBaseIsStronger: 'ask' }, ['whenBaseIsStronger']],
  ])('refuses %s', (_what, auto, paths) => {
    expect(refused(autoSchema, auto)).toEqual(paths);
  });
});
