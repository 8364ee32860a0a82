import { isFloatDtype, type Dtype } from '../dtype.ts';
import { isVocabularyTensor } from './canonical-tensors.ts';
import { createProblem, type Problem } from './problem.ts';
import type { Vocabulary } from './vocabulary.ts';

/** What compatibility is judged by: everything about a model or a delta except its values. */
export interface Facts {
  /** What messages call it: 'base', 'tuned', 'target', or a delta's name. */
  readonly role: string;
  readonly architecture: string;
  readonly modelType: string;
  readonly shapeConfig: Readonly<Record<string, number>>;
  readonly tied: boolean;
  readonly tensors: ReadonlyMap<string, { readonly dtype: Dtype; readonly shape: readonly number[] }>;
  readonly vocabulary: Vocabulary;
}

/** Tensors that are not looked at: the spec says that they stay the target's. */
export type IsExcluded = (name: string) => boolean;

const NOTHING: IsExcluded = () => false;

/**
 * Every reason why `others` cannot be added to or subtracted from `reference`, value by value. Pure; reads no weights.
 * Dtypes may differ between models as long as each is BF16, F16, F32 or F64. How many rows the vocabulary has may differ
 * too: whether those can be matched is `planVocabulary`'s to say.
 */
export function findProblems(
  reference: Facts,
  others: readonly Facts[],
  isExcluded: IsExcluded = NOTHING,
): readonly Problem[] {
  return [
    ...dtypeProblems(reference, isExcluded),
    ...others.flatMap((other) => [
      ...kindProblems(reference, other),
      ...configProblems(reference, other),
      ...dtypeProblems(other, isExcluded),
      ...tensorProblems(reference, other, isExcluded),
    ]),
  ];
}

/** Tensors of a dtype that arithmetic is not defined on, by name. */
export function dtypeProblems(
  { role, tensors }: Pick<Facts, 'role' | 'tensors'>,
  isExcluded: IsExcluded = NOTHING,
): readonly Problem[] {
  return [...tensors].flatMap(([name, { dtype }]) =>
    isFloatDtype(dtype) || isExcluded(name)
      ? []
      : [
          createProblem({
            code: 'WEIGHTS_DTYPE_UNSUPPORTED',
            subject: `${role}: tensor \`${name}\``,
            found: dtype,
            expected: 'BF16, F16, F32 or F64',
            advice: 'use the checkpoint from before quantisation, or exclude the tensor',
          }),
        ],
  );
}

function kindProblems(reference: Facts, other: Facts): readonly Problem[] {
  const problems: Problem[] = [];
  const advice = 'a delta cannot be carried across architectures';
  const compare = (subject: string, found: string, expected: string): void => {
    if (found === expected) return;
    problems.push(createProblem({ code: 'WEIGHTS_ARCHITECTURE_MISMATCH', subject, found, expected, advice }));
  };
  compare(`${other.role}: architecture`, other.architecture, reference.architecture);
  compare(`${other.role}: model_type`, other.modelType, reference.modelType);
  if (other.tied !== reference.tied) {
    const say = (tied: boolean): string => (tied ? 'tied embeddings' : 'untied embeddings');
    problems.push(
      createProblem({
        code: 'WEIGHTS_TIED_MISMATCH',
        subject: `${other.role}: word embeddings`,
        found: say(other.tied),
        expected: `${say(reference.tied)} as in ${reference.role}`,
        advice: 'use models that agree on tie_word_embeddings',
      }),
    );
  }
  return problems;
}

function configProblems(reference: Facts, other: Facts): readonly Problem[] {
  const fields = new Set([...Object.keys(reference.shapeConfig), ...Object.keys(other.shapeConfig)]);
  fields.delete('vocab_size'); // its rows are matched by token
  return [...fields].flatMap((field) => {
    const found = other.shapeConfig[field];
    const expected = reference.shapeConfig[field];
    return found === expected
      ? []
      : [
          createProblem({
            code: 'WEIGHTS_CONFIG_MISMATCH',
            subject: `${other.role}: config field ${field}`,
            found: String(found ?? 'nothing'),
            expected: `${String(expected ?? 'nothing')} as in ${reference.role}`,
            advice: 'use releases of one model size',
          }),
        ];
  });
}

function tensorProblems(reference: Facts, other: Facts, isExcluded: IsExcluded): readonly Problem[] {
  const problems: Problem[] = [];
  const add = (code: Problem['code'], name: string, found: string, expected: string, advice: string): void => {
    problems.push(createProblem({ code, subject: `${other.role}: tensor \`${name}\``, found, expected, advice }));
  };
  for (const [name, { shape }] of reference.tensors) {
    if (isExcluded(name)) continue;
    const found = other.tensors.get(name)?.shape;
    const expected = `shape [${shape.join(', ')}] as in ${reference.role}`;
    if (found === undefined) {
      add('WEIGHTS_TENSOR_MISSING', name, 'no such tensor', expected, 'use a complete checkpoint');
    } else if (comparable(name, found) !== comparable(name, shape)) {
      const advice = 'use releases of one model size, or exclude the tensor';
      add('WEIGHTS_SHAPE_MISMATCH', name, `shape [${found.join(', ')}]`, expected, advice);
    }
  }
  for (const [name, { shape }] of other.tensors) {
    if (reference.tensors.has(name) || isExcluded(name)) continue;
    const expected = `no such tensor, as in ${reference.role}`;
    const advice = 'merge adapters, remove what is not part of the model, or exclude the tensor';
    add('WEIGHTS_TENSOR_EXTRA', name, `shape [${shape.join(', ')}]`, expected, advice);
  }
  return problems;
}

/** A shape as text; of a tensor with a row for every token, without how many those are. */
function comparable(name: string, shape: readonly number[]): string {
  return isVocabularyTensor(name) ? `rows,${shape.slice(1).join()}` : shape.join();
}
