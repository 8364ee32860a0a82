import type { ChosenTokenizer, ModelTokens } from './choose-tokenizer.ts';
import { createLookup } from './create-lookup.ts';
import type { Tokens } from './same-tokens.ts';
import type { RowRule } from './types.ts';

/** The output's rows, one entry of every list for each. */
export interface RowTable {
  readonly rules: readonly RowRule[];
  /** The token of a row that some model has a row for; undefined: padding. */
  readonly tokens: readonly (string | undefined)[];
  /** The row of that token, or of the padding, in each model; −1: none. A rule need not read what there is. */
  readonly target: Int32Array;
  readonly tuned: Int32Array;
  readonly base: Int32Array;
}

/** Finds the source rows and the rule of every output row; linear in tokens and rows. See `planVocabulary` for the rules. */
export function assignRows(models: ModelTokens, chosen: ChosenTokenizer): RowTable {
  const { rows } = chosen;
  const none = (): Int32Array => new Int32Array(rows).fill(-1);
  const table = {
    rules: new Array<RowRule>(rows).fill('zero'),
    tokens: new Array<string | undefined>(rows).fill(undefined),
    target: none(),
    tuned: none(),
    base: none(),
  };
  const rowIn = {
    target: createRowOf(models.target),
    tuned: createRowOf(models.tuned),
    base: createRowOf(models.base),
  };
  const put = (token: string, row: number): void => {
    if (row >= rows) return;
    const target = rowIn.target(token);
    const tuned = rowIn.tuned(token);
    const base = rowIn.base(token);
    const rule = ruleOf(target, tuned, base);
    table.tokens[row] = rule === 'zero' ? undefined : token;
    table.rules[row] = rule;
    table.target[row] = target;
    table.tuned[row] = tuned;
    table.base[row] = base;
  };
  const tokenizer = chosen.choice === 'target' ? models.target : models.tuned;
  for (const [token, row] of tokenizer.tokens) put(token, row);
  for (const { token, to } of chosen.appended) put(token, to);
  pad(table, models);
  return table;
}

/** The row of a token that has one; −1 where the model lacks the token, or numbers it beyond its rows. */
function createRowOf({ tokens, rows }: Tokens): (token: string) => number {
  const lookUp = createLookup(tokens);
  return (token) => {
    const row = lookUp(token);
    return row !== undefined && row < rows ? row : -1;
  };
}

function ruleOf(target: number, tuned: number, base: number): RowRule {
  if (target >= 0) return tuned >= 0 && base >= 0 ? 'move' : 'target';
  return tuned >= 0 ? 'tuned' : 'zero';
}

interface MutableTable extends RowTable {
  readonly rules: RowRule[];
}

/** Gives rows without a token the target's row, or else a row of the fine-tune that holds no token there either. */
function pad(table: MutableTable, { tuned, target }: ModelTokens): void {
  const used = table.rules.length > target.rows ? usedRows(tuned) : new Uint8Array(0);
  for (let row = 0; row < table.rules.length; row++) {
    if (table.tokens[row] !== undefined) continue;
    if (row < target.rows) {
      table.rules[row] = 'target';
      table.target[row] = row;
    } else if (used[row] === 0) {
      table.rules[row] = 'tuned';
      table.tuned[row] = row;
    }
  }
}

/** For every row of a model: 1 where a token sits. */
function usedRows({ tokens, rows }: Tokens): Uint8Array {
  const used = new Uint8Array(rows);
  for (const row of tokens.values()) if (row < rows) used[row] = 1;
  return used;
}
