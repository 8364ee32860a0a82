import { describe, expect, it } from 'vitest';
import type { Config } from '../../../../weights/plan/config/config-fields.ts';
import type { ConfigPlan } from '../../../../weights/plan/config/plan-config.ts';
import { planGenerationConfig } from '../../../../weights/plan/config/plan-generation-config.ts';
import type { IdMap } from '../../../../weights/plan/config/token-ids.ts';

const same: IdMap = (id) => id;

function plan(base: Config | null, tuned: Config, target: Config | null, ids = same): ConfigPlan {
  return planGenerationConfig({ base, tuned, target, tunedText: JSON.stringify(tuned), ids });
}

describe('the generation config of an output', () => {
  const tuned = { do_sample: true, eos_token_id: [2, 7], bad_words_ids: [[7, 8], [9]], temperature: 0.6 };

  it("is the fine-tune's, byte for byte, where its tokens kept their rows", () => {
    expect(plan({ eos_token_id: 2 }, tuned, { eos_token_id: 2 })).toEqual({ text: null, conflicts: [] });
  });

  it('has every token id as the output numbers it, in lists and lists of lists', () => {
    const { text, conflicts } = plan(null, tuned, null, (id) => id + 1);
    expect(JSON.parse(text ?? 'null')).toEqual({ ...tuned, eos_token_id: [3, 8], bad_words_ids: [[8, 9], [10]] });
    expect(conflicts).toEqual([]);
  });

  it('falls back to the target, and says so, where the output lacks the token of an id', () => {
    const lost: IdMap = (id) => (id === 7 ? null : id);
    const { text, conflicts } = plan({ eos_token_id: 2 }, tuned, { eos_token_id: 5 }, lost);
    expect(JSON.parse(text ?? 'null')).toEqual({ ...tuned, eos_token_id: 5, bad_words_ids: null });
    expect(conflicts).toEqual([
      { field: 'bad_words_ids', base: null, tuned: [[7, 8], [9]], target: null, taken: 'target' },
      { field: 'eos_token_id', base: 2, tuned: [2, 7], target: 5, taken: 'target' },
    ]);
  });

  it('is in conflict where fine-tune and target changed a field against the base, differently', () => {
    const base = { temperature: 1, top_p: 1, top_k: 50, transformers_version: '1' };
    const { conflicts } = plan(
      base,
      { ...base, temperature: 0.6, top_p: 0.9, transformers_version: '2' },
      { ...base, temperature: 0.7, top_p: 0.9, top_k: 20, transformers_version: '3' },
    );
    expect(conflicts).toEqual([{ field: 'temperature', base: 1, tuned: 0.6, target: 0.7, taken: 'tuned' }]);
  });

  it('compares ids by token: what only moved to another row is no conflict', () => {
    expect(plan({ eos_token_id: 2 }, { eos_token_id: 3 }, { eos_token_id: 9 }, (id) => id + 6).conflicts).toEqual([]);
  });
});
