import type { SuiteSample } from '../../../activities/ports.ts';
import { RegraftError } from '../../../contracts/error.ts';
import type { ScoreRequest, Tokenizer } from '../../../inference/index.ts';

/** What a template that asks for the date gets: always the same day, or a model's score would change overnight. */
const DATE_OF_TEMPLATES = new Date(2024, 6, 26);

/** A sample's prompt as text, and whether the tokenizer has to put its special tokens around it. */
function promptText(
  { prompt }: SuiteSample,
  tokenizer: Tokenizer,
): { readonly text: string; readonly isPlain: boolean } {
  if (typeof prompt === 'string') return { text: prompt, isPlain: true };
  return { text: tokenizer.renderChat(prompt, { addGenerationPrompt: true, now: DATE_OF_TEMPLATES }), isPlain: false };
}

/** Token ids of a prompt, as training and transformers read it: with the tokenizer's own special tokens. */
export function encodePrompt(sample: SuiteSample, tokenizer: Tokenizer): readonly number[] {
  const { text, isPlain } = promptText(sample, tokenizer);
  return notEmpty(sample, tokenizer.encode(text, { addSpecialTokens: isPlain }));
}

/**
 * Token ids of a prompt and a choice, encoded together and divided where the prompt's tokens end, with the prompt's last
 * spaces given to the choice: what lm-eval does, so that a word keeps the token that it has in running text. Where both
 * together have no more tokens than the prompt, the choice is encoded by itself.
 */
export function encodeChoice(sample: SuiteSample, choice: string, tokenizer: Tokenizer): ScoreRequest {
  const { text, isPlain } = promptText(sample, tokenizer);
  const spaces = text.trimEnd() === '' ? 0 : text.length - text.trimEnd().length;
  const before = text.slice(0, text.length - spaces);
  const options = { addSpecialTokens: isPlain };
  const prompt = notEmpty(sample, tokenizer.encode(before, options));
  const together = tokenizer.encode(text + choice, options).slice(prompt.length);
  return { prompt, continuation: notEmpty(sample, together.length > 0 ? together : tokenizer.encode(choice)) };
}

/** Token ids of a reference answer and the end token, as training makes them: apart from the prompt. */
export function encodeAnswer({ answer }: SuiteSample, tokenizer: Tokenizer, folder: string): readonly number[] {
  const { eosTokenId } = tokenizer;
  if (eosTokenId !== undefined) return [...tokenizer.encode(answer), eosTokenId];
  throw new RegraftError(
    'EVALUATE_NO_EOS',
    `Model ${folder}: its tokenizer names no end-of-text token, and an exact answer must end; add eos_token to tokenizer_config.json, or \`stop\` to the suite.`,
  );
}

function notEmpty({ id }: Pick<SuiteSample, 'id'>, ids: readonly number[]): readonly number[] {
  if (ids.length > 0) return ids;
  throw new RegraftError(
    'EVALUATE_SAMPLE_EMPTY',
    `Sample \`${id}\`: its text has no token in the model's vocabulary, expected at least one; the suite is not for this model.`,
  );
}
