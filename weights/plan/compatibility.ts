import { isFloatDtype, type Dtype } from '../dtype.ts';
import { createProblem, type Problem } from './problem.ts';
import { differingTokens, type Vocabulary } from './vocabulary.ts';

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

/**
 * Every reason why `others` cannot be added to or subtracted from `reference`, value by value. Pure; reads no weights.
 * Dtypes may differ between models as long as each is BF16, F16, F32 or F64.
 */
export function findProblems(reference: Facts, others: readonly Facts[]): readonly Problem[] {
  return [
    ...dtypeProblems(reference),
    ...others.flatMap((other) => [
      ...kindProblems(reference, other),
      ...configProblems(reference, other),
      ...dtypeProblems(other),
      ...tensorProblems(reference, other),
      ...vocabularyProblems(reference, other),
    ]),
  ];
}

/** Tensors of a dtype that arithmetic is not defined on, by name. */
export function dtypeProblems({ role, tensors }: Pick<Facts, 'role' | 'tensors'>): readonly Problem[] {
  return [...tensors].flatMap(([name, { dtype }]) =>
    isFloatDtype(dtype)
      ? []
      : [
          createProblem({
            code: 'WEIGHTS_DTYPE_UNSUPPORTED',
            subject: `${role}: tensor \`${name}\``,
            found: dtype,
            expected: 'BF16, F16, F32 or F64',
            advice: 'use the checkpoint from before quantisation',
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

function tensorProblems(reference: Facts, other: Facts): readonly Problem[] {
  const problems: Problem[] = [];
  const add = (code: Problem['code'], name: string, found: string, expected: string, advice: string): void => {
    problems.push(createProblem({ code, subject: `${other.role}: tensor \`${name}\``, found, expected, advice }));
  };
  for (const [name, { shape }] of reference.tensors) {
    const found = other.tensors.get(name)?.shape;
    const expected = `shape [${shape.join(', ')}] as in ${reference.role}`;
    if (found === undefined) {
      add('WEIGHTS_TENSOR_MISSING', name, 'no such tensor', expected, 'use a complete checkpoint');
    } else if (found.join() !== shape.join()) {
      const advice = 'align the models, resized vocabularies included';
      add('WEIGHTS_SHAPE_MISMATCH', name, `shape [${found.join(', ')}]`, expected, advice);
    }
  }
  for (const [name, { shape }] of other.tensors) {
    if (reference.tensors.has(name)) continue;
    const expected = `no such tensor, as in ${reference.role}`;
    const advice = 'merge adapters and remove what is not part of the model';
    add('WEIGHTS_TENSOR_EXTRA', name, `shape [${shape.join(', ')}]`, expected, advice);
  }
  return problems;
}

function vocabularyProblems(reference: Facts, other: Facts): readonly Problem[] {
  const difference = describeDifference(reference.vocabulary, other.vocabulary);
  if (difference === null) return [];
  return [
    createProblem({
      code: 'WEIGHTS_VOCABULARY_MISMATCH',
      subject: `${other.role}: tokenizer`,
      found: difference,
      expected: `the token -> row map of ${reference.role}`,
      advice: 'align the tokenizers, or keep the tokenizer files beside each model',
    }),
  ];
}

/** What `other` says differently, or null; where nothing is known of both, there is nothing to refuse. */
function describeDifference(reference: Vocabulary, other: Vocabulary): string | null {
  if (reference.kind === 'tokens' && other.kind === 'tokens') {
    const tokens = differingTokens(reference.tokens, other.tokens);
    if (tokens.length === 0) return null;
    const named = tokens.slice(0, 5).map((token) => {
      const [from, to] = [reference.tokens.get(token), other.tokens.get(token)];
      return `${JSON.stringify(token)} (${to === undefined ? 'absent' : String(to)}, not ${from === undefined ? 'absent' : String(from)})`;
    });
    return `${String(tokens.length)} differing tokens: ${named.join(', ')}${tokens.length > 5 ? ', …' : ''}`;
  }
  if (reference.kind === 'files' && other.kind === 'files') {
    return reference.digest === other.digest ? null : 'other vocabulary files';
  }
  return reference.kind === other.kind ? null : `${say(other)} beside ${say(reference)}, which cannot be compared`;
}

function say(vocabulary: Vocabulary): string {
  switch (vocabulary.kind) {
    case 'tokens':
      return 'a tokenizer.json';
    case 'files':
      return 'vocabulary files without a tokenizer.json';
    case 'none':
      return 'no tokenizer';
  }
}
