import type { OutputShape } from '../../weights/index.ts';
import { UsageError } from '../command.ts';

type OutputDtype = NonNullable<OutputShape['dtype']>;

/** Bytes of one value, by what an output can be stored as. */
export const OUTPUT_DTYPES: Readonly<Record<OutputDtype, number>> = { BF16: 2, F16: 2, F32: 4, F64: 8 };

/** What an output is stored as, from an option. @throws UsageError */
export function readDtype(option: string, text: string): OutputDtype {
  const names = Object.keys(OUTPUT_DTYPES);
  const name = text.toUpperCase();
  if (isOutputDtype(name)) return name;
  throw new UsageError(`${option} is \`${text}\`, expected one of ${names.join(', ')}.`);
}

function isOutputDtype(name: string): name is OutputDtype {
  return Object.hasOwn(OUTPUT_DTYPES, name);
}
