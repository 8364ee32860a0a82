/** Files of a fine-tune that a delta carries along; the rest of a model comes from the target. */
export const FINE_TUNE_FILES = [
  'added_tokens.json',
  'chat_template.jinja',
  'generation_config.json',
  'special_tokens_map.json',
  'tokenizer.json',
  'tokenizer_config.json',
] as const;

const TOKENIZER_RULES: readonly string[] = [
  'added_tokens.json',
  'special_tokens_map.json',
  'tokenizer.json',
  'tokenizer_config.json',
];

/** Where an output's file is copied from. */
export interface Sidecar {
  readonly name: string;
  readonly from: 'target' | 'fine-tune';
}

/**
 * Decides which files besides the weights an output has and whose they are. Tokenizer rules are never mixed: if the fine-tune has
 * any, all are the fine-tune's, and so is the chat template, because a target's chat_template.jinja would override one
 * inside the fine-tune's tokenizer_config.json. What the fine-tune lacks altogether comes from the target; sorted.
 */
export function planSidecars(target: readonly string[], fineTune: readonly string[]): readonly Sidecar[] {
  const fineTuneHasRules = fineTune.some((name) => TOKENIZER_RULES.includes(name));
  const ruled = fineTuneHasRules ? [...TOKENIZER_RULES, 'chat_template.jinja'] : [];
  const kept = target.filter((name) => !ruled.includes(name) && !fineTune.includes(name) && !isWeights(name));
  return [
    ...kept.map((name): Sidecar => ({ name, from: 'target' })),
    ...fineTune.map((name): Sidecar => ({ name, from: 'fine-tune' })),
  ].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function isWeights(name: string): boolean {
  return name.endsWith('.safetensors') || name.endsWith('.safetensors.index.json');
}
