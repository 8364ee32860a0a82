import { describe, expect, it } from 'vitest';
import { parseAdapterConfig, type AdapterConfig } from '../../../../weights/plan/adapter/parse-adapter-config.ts';
import { planAdapter } from '../../../../weights/plan/adapter/plan-adapter.ts';
import type { AdapterDelta, TensorShape } from '../../../../weights/plan/adapter/types.ts';

type Shapes = Readonly<Record<string, readonly number[]>>;

const Q = 'model.layers.0.self_attn.q_proj';
const UP = 'model.layers.0.mlp.up_proj';
const EMBED = 'model.embed_tokens';
const TIED: Shapes = { [`${EMBED}.weight`]: [100, 8], [`${Q}.weight`]: [8, 8], [`${UP}.weight`]: [12, 8] };
const UNTIED: Shapes = { ...TIED, 'lm_head.weight': [100, 8] };

function config(fields: Readonly<Record<string, unknown>> = {}): AdapterConfig {
  return parseAdapterConfig(
    JSON.stringify({ peft_type: 'LORA', r: 2, lora_alpha: 4, ...fields }),
    'adapter_config.json',
  );
}

const tensors = (shapes: Shapes): ReadonlyMap<string, TensorShape> =>
  new Map(Object.entries(shapes).map(([name, shape]) => [name, { dtype: 'F32', shape }]));

/** A pair for a linear layer, under PEFT's names. */
function pair(module: string, out: number, input: number, rank = 2): Shapes {
  const prefix = `base_model.model.${module}`;
  return { [`${prefix}.lora_A.weight`]: [rank, input], [`${prefix}.lora_B.weight`]: [out, rank] };
}

function plan(
  adapter: Shapes,
  fields: Readonly<Record<string, unknown>> = {},
  model = UNTIED,
): ReadonlyMap<string, AdapterDelta> {
  const outcome = planAdapter(config(fields), tensors(adapter), tensors(model));
  if (outcome.kind === 'plan') return outcome.deltas;
  throw new Error(outcome.problems.map(({ sentence }) => sentence).join(' '));
}

/** Code and tensor of every problem. */
function problems(adapter: Shapes, fields: Readonly<Record<string, unknown>> = {}, model = UNTIED): readonly string[] {
  const outcome = planAdapter(config(fields), tensors(adapter), tensors(model));
  return outcome.kind === 'plan'
    ? []
    : outcome.problems.map(({ code, subject }) => `${code} ${subject.replace('base_model.model.', '')}`);
}

describe('an adapter plan', () => {
  it("gives each adapted tensor its pair and scale, in the model's order", () => {
    const deltas = plan({ ...pair(UP, 12, 8), ...pair(Q, 8, 8, 4) }, { rank_pattern: { q_proj: 4 } });
    const of = (module: string): { a: string; b: string } => ({
      a: `base_model.model.${module}.lora_A.weight`,
      b: `base_model.model.${module}.lora_B.weight`,
    });
    expect([...deltas]).toEqual([
      [`${Q}.weight`, { kind: 'low-rank', ...of(Q), rank: 4, scale: 1, transposed: false }],
      [`${UP}.weight`, { kind: 'low-rank', ...of(UP), rank: 2, scale: 2, transposed: false }],
    ]);
  });

  it("knows names with and without the adapter's name and PEFT's prefix", () => {
    const deltas = plan({ [`${Q}.lora_A.default.weight`]: [2, 8], [`base_model.model.${Q}.lora_B.weight`]: [8, 2] });
    expect(deltas.get(`${Q}.weight`)).toMatchObject({ a: `${Q}.lora_A.default.weight` });
  });

  it('transposes the product for an embedding', () => {
    for (const name of ['', '.default']) {
      const deltas = plan({
        [`${EMBED}.lora_embedding_A${name}`]: [2, 100],
        [`${EMBED}.lora_embedding_B${name}`]: [8, 2],
      });
      expect(deltas.get(`${EMBED}.weight`)).toMatchObject({ kind: 'low-rank', transposed: true, scale: 2 });
    }
    expect(problems({ [`${EMBED}.lora_embedding_A`]: [2, 8], [`${EMBED}.lora_embedding_B`]: [100, 2] })).toEqual([
      `WEIGHTS_SHAPE_MISMATCH adapter: tensor \`${EMBED}.lora_embedding_A\``,
    ]);
  });

  it('transposes the product for a layer that is stored the other way, and believes the config of a square one', () => {
    const model = { 'h.0.c_attn.weight': [8, 24], 'h.0.c_proj.weight': [8, 8] };
    const adapter = { ...pair('h.0.c_attn', 24, 8), ...pair('h.0.c_proj', 8, 8) };
    const deltas = plan(adapter, { fan_in_fan_out: true }, model);
    expect([...deltas.values()]).toMatchObject([{ transposed: true }, { transposed: true }]);
    expect([...plan(pair(Q, 8, 8), { fan_in_fan_out: false }).values()]).toMatchObject([{ transposed: false }]);
  });

  it('refuses a square layer where others contradict the config, because nothing says which way it is', () => {
    const model = { 'h.0.c_attn.weight': [8, 24], 'h.0.c_proj.weight': [8, 8] };
    const adapter = { ...pair('h.0.c_attn', 24, 8), ...pair('h.0.c_proj', 8, 8) };
    expect(problems(adapter, {}, model)).toEqual(['WEIGHTS_SHAPE_MISMATCH adapter: tensor `h.0.c_proj.lora_A.weight`']);
    expect(problems({ ...pair(UP, 12, 8), ...pair(Q, 8, 8) }, { fan_in_fan_out: true })).toHaveLength(1);
  });

  it('takes modules that are stored whole as they are, under both spellings', () => {
    const deltas = plan(
      { 'base_model.model.lm_head.weight': [100, 8], [`${EMBED}.modules_to_save.default.weight`]: [100, 8] },
      { modules_to_save: ['lm_head', 'embed_tokens'] },
    );
    expect([...deltas]).toEqual([
      [`${EMBED}.weight`, { kind: 'saved', tensor: `${EMBED}.modules_to_save.default.weight` }],
      ['lm_head.weight', { kind: 'saved', tensor: 'base_model.model.lm_head.weight' }],
    ]);
  });

  it('names the copies of base tensors that PEFT stores of adapted embeddings, and computes nothing from them', () => {
    const embedding = { [`${EMBED}.lora_embedding_A`]: [2, 100], [`${EMBED}.lora_embedding_B`]: [8, 2] };
    const copy = (rows: number): Shapes => ({ [`base_model.model.${EMBED}.base_layer.weight`]: [rows, 8] });
    const outcome = planAdapter(config(), tensors({ ...embedding, ...copy(100) }), tensors(UNTIED));
    expect(outcome).toMatchObject({
      baseCopies: new Map([[`${EMBED}.weight`, `base_model.model.${EMBED}.base_layer.weight`]]),
    });
    const mismatch = `WEIGHTS_SHAPE_MISMATCH adapter: tensor \`${EMBED}.base_layer.weight\``;
    expect(problems({ ...embedding, ...copy(104) })).toEqual([mismatch]);
    expect(problems({ ...pair(Q, 8, 8), ...copy(100) })).toEqual([mismatch]);
  });

  it('leaves the number of rows of a stored embedding to the vocabulary, if the head has as many', () => {
    const resized = { [`${EMBED}.weight`]: [104, 8], 'lm_head.weight': [104, 8] };
    expect(plan(resized).size).toBe(2);
    expect(problems({ [`${EMBED}.weight`]: [104, 8] })).toEqual([
      'WEIGHTS_SHAPE_MISMATCH adapter: tensor `lm_head.weight`',
    ]);
    expect(problems({ [`${EMBED}.weight`]: [104, 6], 'lm_head.weight': [104, 8] })).toContain(
      `WEIGHTS_SHAPE_MISMATCH adapter: tensor \`${EMBED}.weight\``,
    );
  });
});

describe('there is no adapter plan', () => {
  it('for half a pair', () => {
    expect(problems({ [`${Q}.lora_B.weight`]: [8, 2] })).toEqual([
      `WEIGHTS_TENSOR_MISSING adapter: tensor \`${Q}.lora_B.weight\``,
    ]);
  });

  it('for tensors that meet none of the model, all of them', () => {
    expect(problems({ ...pair('model.layers.9.q', 8, 8), ...pair(Q, 8, 8), 'model.norm.weight': [8] })).toEqual([
      'WEIGHTS_TENSOR_EXTRA adapter: tensor `model.layers.9.q.lora_A.weight`',
      'WEIGHTS_TENSOR_EXTRA adapter: tensor `model.norm.weight`',
    ]);
  });

  it('for shapes and ranks that do not fit', () => {
    const mismatch = [`WEIGHTS_SHAPE_MISMATCH adapter: tensor \`${Q}.lora_A.weight\``];
    expect(problems(pair(Q, 8, 9))).toEqual(mismatch);
    expect(problems(pair(Q, 8, 8, 3))).toEqual(mismatch);
    const bare = `base_model.model.${Q}`;
    expect(problems({ [`${bare}.lora_A.weight`]: [2, 8], [`${bare}.lora_B.weight`]: [8, 3] })).toEqual(mismatch);
    expect(problems({ [`${bare}.lora_A.weight`]: [2, 8, 1], [`${bare}.lora_B.weight`]: [8, 2, 1] })).toEqual(mismatch);
  });

  it('for a tensor stored whole that has another shape, rows included', () => {
    expect(problems({ [`${UP}.weight`]: [13, 8] })).toEqual([
      `WEIGHTS_SHAPE_MISMATCH adapter: tensor \`${UP}.weight\``,
    ]);
  });

  it('for parts of something else than LoRA', () => {
    for (const part of ['lora_magnitude_vector', 'lora_B.bias', 'lora_A.other.weight']) {
      expect(problems({ ...pair(Q, 8, 8), [`${Q}.${part}`]: [8] })).toEqual([
        `WEIGHTS_TENSOR_EXTRA adapter: tensor \`${Q}.${part}\``,
      ]);
    }
  });

  it('for one part under two names', () => {
    expect(problems({ ...pair(Q, 8, 8), [`${Q}.lora_A.weight`]: [2, 8] })).toHaveLength(1);
    expect(problems({ ...pair(Q, 8, 8), [`${Q}.weight`]: [8, 8] })).toEqual([
      `WEIGHTS_TENSOR_EXTRA adapter: tensor \`${Q}.weight\``,
    ]);
  });

  it('for quantised tensors', () => {
    const adapter = new Map(
      [...tensors(pair(Q, 8, 8))].map(([name, { shape }]) => [name, { dtype: 'I8', shape }] as const),
    );
    const outcome = planAdapter(config(), adapter, tensors(UNTIED));
    expect(outcome).toMatchObject({
      problems: [{ code: 'WEIGHTS_DTYPE_UNSUPPORTED' }, { code: 'WEIGHTS_DTYPE_UNSUPPORTED' }],
    });
  });

  it('for a module to save that is not there, and for no tensors at all', () => {
    expect(problems(pair(Q, 8, 8), { modules_to_save: ['score'] })).toEqual([
      'WEIGHTS_TENSOR_MISSING adapter: module `score`',
    ]);
    expect(problems({})).toEqual(['WEIGHTS_TENSOR_MISSING adapter']);
  });
});

describe('where the head is tied to the embedding, an adapter', () => {
  const split = (tensor: string): string => `WEIGHTS_TIED_MISMATCH adapter: tensor \`${tensor}\``;
  const embedding = { [`${EMBED}.lora_embedding_A`]: [2, 100], [`${EMBED}.lora_embedding_B`]: [8, 2] };

  it('cannot be for the head or the embedding alone', () => {
    expect(problems(pair('lm_head', 100, 8), {}, TIED)).toEqual([split('lm_head.lora_A.weight')]);
    expect(problems(embedding, {}, TIED)).toEqual([split(`${EMBED}.lora_embedding_A`)]);
    const saved = { [`${EMBED}.weight`]: [100, 8] };
    expect(problems(saved, { modules_to_save: ['embed_tokens'] }, TIED)).toEqual([split(`${EMBED}.weight`)]);
    expect(problems({ 'lm_head.weight': [100, 8] }, {}, TIED)).toEqual([split('lm_head.weight')]);
  });

  it('can be for both where it was told to keep them tied', () => {
    expect(plan(embedding, { ensure_weight_tying: true }, TIED).size).toBe(1);
  });

  it('may store the tied tensor whole, twice, as it does after a resize', () => {
    const resized = { ...pair(Q, 8, 8), [`${EMBED}.weight`]: [104, 8], 'lm_head.weight': [104, 8] };
    expect([...plan(resized, {}, TIED).keys()]).toEqual([`${EMBED}.weight`, `${Q}.weight`]);
  });
});
