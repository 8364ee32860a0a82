import { RegraftError } from '../../../contracts/error.ts';

const SHOWN = 5;

/** Refuses samples that do not fit into the model, all at once. @throws EVALUATE_SAMPLE_TOO_LONG */
export function assertLengths(
  samples: readonly { readonly id: string; readonly tokens: number }[],
  most: number,
): void {
  const long = samples.filter(({ tokens }) => tokens > most);
  if (long.length === 0) return;
  const named = long.slice(0, SHOWN).map(({ id, tokens }) => `\`${id}\` (${String(tokens)} tokens)`);
  const more = long.length > SHOWN ? ` and ${String(long.length - SHOWN)} more` : '';
  throw new RegraftError(
    'EVALUATE_SAMPLE_TOO_LONG',
    `${String(long.length)} of ${String(samples.length)} samples are longer than the ${String(most)} tokens that the model reads: ${named.join(', ')}${more}; shorten them, or take fewer examples.`,
    { details: { samples: long } },
  );
}
