import type { Config } from '../plan/config/config-fields.ts';
import type { TensorEntry } from '../plan/model.ts';
import type { ModelTexts } from '../plan/plan-files.ts';
import type { OwnValues, StoredDelta } from '../plan/plan-move.ts';
import type { Problem } from '../plan/problem.ts';
import type { ModelVocabulary } from '../plan/vocabulary/types.ts';
import type { Participant } from './participant.ts';

/** A fine-tune beside its base: a whole model, or an adapter. */
export interface FineTune {
  /** The whole model; null for an adapter. */
  readonly model: Participant | null;
  readonly problems: readonly Problem[];
  readonly deltaOf: (canonicalName: string) => StoredDelta | null;
  readonly ownOf: (canonicalName: string) => OwnValues | null;
  readonly vocabulary: ModelVocabulary;
  readonly texts: ModelTexts;
  readonly config: Config;
  /** Refuses a base that it cannot come from; `target`: the model to name where it is nearer. Error: WEIGHTS_WRONG_BASE. */
  readonly assertParent: (target: ReadonlyMap<string, TensorEntry> | null) => Promise<void>;
}
