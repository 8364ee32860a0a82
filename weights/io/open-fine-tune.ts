import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { findProblems, type IsExcluded } from '../plan/compatibility.ts';
import type { FineTune } from './fine-tune.ts';
import { toWeightsError } from './fs-error.ts';
import { ADAPTER_CONFIG, openAdapter } from './open-adapter.ts';
import { fineTuneTexts, openParticipant, type Participant } from './participant.ts';
import { assertParent } from './probe-base.ts';
import type { ReadVocabulary } from './read-vocabulary.ts';

/**
 * Opens what was trained from `base`: a model folder, or a PEFT LoRA adapter, which counts as its Δ = scale·B·A. Errors: those
 * of `openModel`, WEIGHTS_ADAPTER_INVALID.
 */
export async function openFineTune(
  folder: string,
  base: Participant,
  { isExcluded, read }: { readonly isExcluded: IsExcluded; readonly read: ReadVocabulary },
): Promise<FineTune> {
  const files = await filesIn(folder);
  if (files.includes(ADAPTER_CONFIG) && !files.includes('config.json')) {
    return await openAdapter(resolve(folder), files, base, read);
  }
  const model = await openParticipant('tuned', folder, read);
  return {
    model,
    problems: findProblems(base.facts, [model.facts], isExcluded).filter(({ subject }) => !subject.startsWith('base:')),
    deltaOf: (name) => {
      const [tuned, from] = [model.tensors.get(name), base.tensors.get(name)];
      return tuned === undefined || from === undefined ? null : { kind: 'pair', tuned, base: from };
    },
    ownOf: (name) => {
      const values = model.tensors.get(name);
      return values === undefined ? null : { values, plus: null };
    },
    vocabulary: model.vocabulary,
    texts: fineTuneTexts(model.texts),
    config: model.model.config,
    assertParent: (target) => assertParent(model.tensors, base.tensors, target),
  };
}

async function filesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    throw toWeightsError(error, folder);
  }
}
