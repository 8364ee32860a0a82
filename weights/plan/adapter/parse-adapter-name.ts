/** What an adapter's tensor is to a part of the model. */
export interface AdapterName {
  /** The module's name in the model, as in its tensors' names without `.weight`; of whole tensors, the tensor's name. */
  readonly module: string;
  readonly part: 'A' | 'B' | 'embedding A' | 'embedding B' | 'saved' | 'base';
}

const PREFIX = 'base_model.model.';
const FORMS: readonly { readonly ending: RegExp; readonly part: AdapterName['part'] }[] = [
  { ending: /\.lora_A(\.default)?\.weight$/, part: 'A' },
  { ending: /\.lora_B(\.default)?\.weight$/, part: 'B' },
  { ending: /\.lora_embedding_A(\.default)?$/, part: 'embedding A' },
  { ending: /\.lora_embedding_B(\.default)?$/, part: 'embedding B' },
  { ending: /\.base_layer(?=\.(weight|bias)$)/, part: 'base' },
  { ending: /\.modules_to_save(\.default)?(?=\.)/, part: 'saved' },
];
const FOREIGN = /\.(lora_|base_layer\.|trainable_tokens)/;

/**
 * Takes apart the name of a tensor in an adapter: with or without `base_model.model.`, with or without the adapter's name
 * `default`. Null for a part of something else (a magnitude vector, a trained bias).
 */
export function parseAdapterName(name: string): AdapterName | null {
  const bare = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
  const form = FORMS.find(({ ending }) => ending.test(bare));
  if (form !== undefined) return { module: bare.replace(form.ending, ''), part: form.part };
  return FOREIGN.test(bare) ? null : { module: bare, part: 'saved' };
}
