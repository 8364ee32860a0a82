import { canonicalTensors } from '../plan/canonical-tensors.ts';
import type { Facts } from '../plan/compatibility.ts';
import type { ModelFolder } from '../plan/model.ts';
import { shapeConfig } from '../plan/shape-config.ts';
import { readVocabulary } from './read-vocabulary.ts';

/** What compatibility is judged by, for an opened model; reads its tokenizer and no weights. */
export async function readFacts(role: string, model: ModelFolder): Promise<Facts> {
  const modelType = model.config['model_type'];
  return {
    role,
    architecture: model.architecture,
    modelType: typeof modelType === 'string' ? modelType : '',
    shapeConfig: shapeConfig(model.config),
    tied: model.tieWordEmbeddings,
    tensors: canonicalTensors(model.tensors, model.tieWordEmbeddings).byName,
    vocabulary: await readVocabulary(model.folder, model.files),
  };
}
