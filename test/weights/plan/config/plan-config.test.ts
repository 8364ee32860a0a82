import { describe, expect, it } from 'vitest';
import type { Config } from '../../../../weights/plan/config/config-fields.ts';
import { planConfig, type ConfigInput, type ConfigPlan } from '../../../../weights/plan/config/plan-config.ts';

const LLAMA = {
  model_type: 'llama',
  hidden_size: 64,
  num_attention_heads: 4,
  vocab_size: 100,
  eos_token_id: 2,
  bos_token_id: 1,
  rope_scaling: { factor: 8, rope_type: 'llama3' },
  max_position_embeddings: 8192,
};

/** The plan for changes against one config; the output has as many rows as the target unless `rows` says otherwise. */
function plan(
  changes: { readonly base?: Config; readonly tuned?: Config; readonly target?: Config },
  rest: Partial<Pick<ConfigInput, 'rows' | 'ids'>> = {},
): ConfigPlan {
  const target = { ...LLAMA, ...changes.target };
  return planConfig({
    base: { ...LLAMA, ...changes.base },
    tuned: { ...LLAMA, ...changes.tuned },
    target,
    targetText: JSON.stringify(target, null, 2),
    rows: { target: 100, output: 100 },
    ids: (id) => id,
    ...rest,
  });
}

const parsed = ({ text }: ConfigPlan): Config => JSON.parse(text ?? 'null') as Config;

describe('the config of an output', () => {
  it("is the target's, byte for byte, where the fine-tune changed nothing", () => {
    const newer = { rope_scaling: { factor: 32, rope_type: 'llama3' }, max_position_embeddings: 131072 };
    expect(plan({ target: newer })).toEqual({ text: null, conflicts: [] });
  });

  it('has the row count of a grown matrix, wherever a row count is', () => {
    const rows = { target: 100, output: 128 };
    expect(parsed(plan({ target: { vocab_size: 100 } }, { rows }))['vocab_size']).toBe(128);
    const nested = parsed(plan({ target: { text_config: { vocab_size: 100 }, vocab_size: undefined } }, { rows }));
    expect(nested['text_config']).toEqual({ vocab_size: 128 });
    expect(nested).not.toHaveProperty('vocab_size');
    expect(parsed(plan({ target: { vocab_size: undefined } }, { rows }))['vocab_size']).toBe(128);
  });

  it('keeps the row count of the target where the matrix did not grow, and finds no conflict in it', () => {
    expect(plan({ tuned: { vocab_size: 104 }, target: { vocab_size: 128 } })).toEqual({ text: null, conflicts: [] });
  });

  it('has the special ids that the fine-tune changed, as the output numbers those tokens', () => {
    const ids = (id: number): number => id + 10;
    const changed = plan({ tuned: { eos_token_id: [100, 2], pad_token_id: 101 } }, { ids });
    expect(parsed(changed)).toEqual({ ...LLAMA, eos_token_id: [110, 12], pad_token_id: 111 });
    expect(changed.conflicts).toEqual([]);
  });

  it('keeps the special ids that the fine-tune did not change or does not mention, as the target has them', () => {
    const target = { eos_token_id: 50, bos_token_id: 49 };
    expect(plan({ tuned: { bos_token_id: undefined }, target }, { ids: (id) => id + 10 }).text).toBeNull();
  });

  it('drops a special id that the fine-tune set to null', () => {
    expect(parsed(plan({ tuned: { eos_token_id: null } }))['eos_token_id']).toBeNull();
  });

  it('changes special ids of the text model where the target has them there', () => {
    const nested = (id: number): Config => ({ text_config: { eos_token_id: id } });
    const changed = plan({ base: nested(2), tuned: nested(7), target: nested(2) });
    expect(parsed(changed)['text_config']).toEqual({ eos_token_id: 7 });
    expect(changed.conflicts).toEqual([]);
  });
});

describe('a conflict', () => {
  it('is each field that the fine-tune changed and the output lacks, nested ones by their dotted names', () => {
    const { text, conflicts } = plan({
      tuned: { rope_scaling: { factor: 16, rope_type: 'llama3' }, attention_dropout: 0.1, use_cache: false },
      target: { use_cache: false },
    });
    expect(text).toBeNull();
    expect(conflicts).toEqual([
      { field: 'attention_dropout', base: null, tuned: 0.1, target: null, taken: 'target' },
      { field: 'rope_scaling.factor', base: 8, tuned: 16, target: 8, taken: 'target' },
    ]);
  });

  it('is a field that the fine-tune removed', () => {
    expect(plan({ tuned: { rope_scaling: null } }).conflicts.map(({ field }) => field)).toEqual([
      'rope_scaling.factor',
      'rope_scaling.rope_type',
    ]);
  });

  it('is a special id that the target changed too, and the fine-tune has its way', () => {
    const both = plan({ tuned: { eos_token_id: 7 }, target: { eos_token_id: 8 } });
    expect(parsed(both)['eos_token_id']).toBe(7);
    expect(both.conflicts).toEqual([{ field: 'eos_token_id', base: 2, tuned: 7, target: 8, taken: 'tuned' }]);
  });

  it('is a special id whose token the output lacks, and the target has its way', () => {
    const lost = plan({ tuned: { eos_token_id: [2, 7] } }, { ids: (id) => (id === 7 ? null : id) });
    expect(lost).toEqual({
      text: null,
      conflicts: [{ field: 'eos_token_id', base: 2, tuned: [2, 7], target: 2, taken: 'target' }],
    });
  });

  it('is none where both changed a field alike', () => {
    const both = { eos_token_id: 7, attention_bias: true };
    expect(plan({ tuned: both, target: both })).toEqual({ text: null, conflicts: [] });
  });

  it('is none in what tells of files and not of models, nor in what is only spelled out', () => {
    const tuned = {
      ...{ _name_or_path: 'x', transformers_version: '9', torch_dtype: 'float32', dtype: 'float32' },
      ...{ head_dim: 16, num_key_value_heads: 4, attention_bias: null },
    };
    expect(plan({ tuned })).toEqual({ text: null, conflicts: [] });
    expect(plan({ tuned: { head_dim: 32 } }).conflicts).toMatchObject([{ field: 'head_dim', tuned: 32 }]);
  });
});
