import type { OutputShape, Selection } from '../../weights/index.ts';
import type { CommandContext, OptionDefinition } from '../command.ts';
import { listOption } from '../list-option.ts';
import { wholeNumber } from '../numbers.ts';
import { textOption } from '../text-option.ts';
import { readDtype } from './read-dtype.ts';
import { readPatternScale } from './read-scale.ts';
import { readSize } from './read-size.ts';

type Options = Pick<CommandContext, 'options'>;

/** Which tensors get how much; patterns match whole names, and the first one that matches decides. */
export const SELECTION_OPTIONS: Readonly<Record<string, OptionDefinition>> = {
  scale: {
    ...{ type: 'string', value: 'PATTERN=L', repeatable: true },
    help: 'another λ for the tensors whose whole name this expression matches, the first that does',
  },
  include: { type: 'string', value: 'PATTERN', repeatable: true, help: 'move these only; the others are kept' },
  exclude: {
    ...{ type: 'string', value: 'PATTERN', repeatable: true },
    help: "the target's own, whatever the other models have under that name",
  },
};

/** How an output is stored. */
export const SHAPE_OPTIONS: Readonly<Record<string, OptionDefinition>> = {
  dtype: { type: 'string', value: 'DTYPE', help: "store as BF16, F16, F32 or F64; the target's own unless given" },
  'max-shard-size': {
    ...{ type: 'string', value: 'SIZE' },
    help: "largest file, such as 5GB; the target's own files unless given",
  },
};

/** How much of the machine the work takes. */
export const THREADS_OPTION: Readonly<Record<string, OptionDefinition>> = {
  threads: { type: 'string', value: 'N', help: 'threads at most; one for every core unless given' },
};

/** Reads the options of `SELECTION_OPTIONS`. @throws UsageError */
export function readSelection(context: Options): Selection {
  const scales = listOption(context, 'scale').map((text) => readPatternScale('--scale', text));
  const [include, exclude] = [listOption(context, 'include'), listOption(context, 'exclude')];
  return {
    ...(scales.length > 0 && { scales }),
    ...(include.length > 0 && { include }),
    ...(exclude.length > 0 && { exclude }),
  };
}

/** Reads the options of `SHAPE_OPTIONS`, those of them that the command has. @throws UsageError */
export function readShape(context: Options): OutputShape {
  const [dtype, size] = [textOption(context, 'dtype'), textOption(context, 'max-shard-size')];
  return {
    ...(dtype !== undefined && { dtype: readDtype('--dtype', dtype) }),
    ...(size !== undefined && { maxShardBytes: readSize('--max-shard-size', size) }),
  };
}

/** Reads the option of `THREADS_OPTION`. @throws UsageError */
export function readThreads(context: Options): { readonly threads?: number } {
  return textOption(context, 'threads') === undefined ? {} : { threads: wholeNumber(context, 'threads', 1) };
}
