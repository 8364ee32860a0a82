import { isFloatDtype, type FloatDtype } from '../dtype.ts';
import { WeightsError } from '../errors.ts';
import { layOutPieces } from '../ops/piece-layout.ts';
import type { Config } from '../plan/config/config-fields.ts';
import { layOutAsTarget, layOutBySize, type Layout, type StoredHeader } from '../plan/lay-out-files.ts';
import { elementCount } from '../plan/model.ts';
import { planFiles, type FileConflict, type ModelTexts, type PlannedFile } from '../plan/plan-files.ts';
import type { Coverage, MovedTensor } from '../plan/plan-move.ts';
import type { Problem } from '../plan/problem.ts';
import type { Selector } from '../plan/selection.ts';
import { createIdMap } from '../plan/vocabulary/create-id-map.ts';
import { planVocabulary } from '../plan/vocabulary/plan-vocabulary.ts';
import type { VocabularyInput, VocabularyPlan, VocabularySummary } from '../plan/vocabulary/types.ts';
import type { WorkPlan } from '../plan/work-plan.ts';
import { writeIndex } from '../plan/write-index.ts';
import { INDEX_FILE, readIndexFile } from './open-model.ts';
import type { Participant } from './participant.ts';
import { readHeader } from './read-safetensors-header.ts';

/** How the output is stored. */
export interface OutputShape {
  /** Data bytes of one file at most, unless a single tensor is larger. Default: the target's own files. */
  readonly maxShardBytes?: number;
  /** What floating-point tensors are stored as; config.json says so too. Default: each as in the target. */
  readonly dtype?: FloatDtype;
}

/** What a moved model is made from. */
export interface MoveRequest extends OutputShape {
  readonly target: Participant;
  /** Why the models do not fit, as far as that is known. */
  readonly problems: readonly Problem[];
  /** The output's tensors, once it is known where the rows of the vocabulary come from. */
  readonly planTensors: (vocabulary: VocabularyPlan) => readonly MovedTensor[];
  readonly outputs: number;
  readonly selector: Selector;
  readonly vocabulary: VocabularyInput;
  readonly fineTune: ModelTexts;
  readonly configs: { readonly tuned: Config; readonly base: Config } | null;
  readonly baseGeneration: Config | null;
}

/** A moved model, planned down to its last byte; no weight has been read. */
export interface PreparedMove {
  readonly work: WorkPlan;
  readonly tensors: readonly MovedTensor[];
  readonly layout: Layout;
  readonly indexText: string | null;
  readonly files: readonly PlannedFile[];
  readonly target: ModelTexts;
  readonly fineTune: ModelTexts;
  readonly conflicts: readonly FileConflict[];
  readonly vocabulary: VocabularySummary;
  /** By output. */
  readonly coverage: readonly Coverage[];
  /** A thread's memory for operands. */
  readonly threadBytes: number;
}

/** A plan, or every reason why there is none. */
export type MoveOutcome =
  | { readonly kind: 'plan'; readonly move: PreparedMove }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] };

/** Plans a moved model, or names everything that stands in the way. Errors: WEIGHTS_ARGUMENT_INVALID, and those of reading. */
export async function prepareMove(request: MoveRequest): Promise<MoveOutcome> {
  const { target, selector } = request;
  assertShape(request);
  const vocabulary = planVocabulary(request.vocabulary);
  const problems = [
    ...request.problems,
    ...selector.problems(target.tensors.keys()),
    ...(vocabulary.kind === 'problems' ? vocabulary.problems : []),
  ];
  if (problems.length > 0 || vocabulary.kind === 'problems') return { kind: 'problems', problems };
  const { plan } = vocabulary;
  const tensors = request.planTensors(plan);
  const layout = await layOut(request, tensors);
  const isSharded = target.texts.files.includes(INDEX_FILE) && !target.texts.files.includes('model.safetensors');
  const index = isSharded ? await readIndexFile(target.model.folder) : null;
  const { files, conflicts } = planFiles({
    ...request,
    target: target.texts,
    vocabulary: plan,
    targetRows: target.vocabulary.rows,
    ids: createIdMap(request.vocabulary, plan),
  });
  const work: WorkPlan = {
    tensors: tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    files: layout.files,
    outputs: request.outputs,
  };
  const coverage = Array.from({ length: request.outputs }, (_, output) => sumCoverage(tensors, output));
  for (const one of coverage) assertCovered(one, tensors, target.model.folder);
  const move = {
    ...{ work, tensors, layout, conflicts, coverage, indexText: writeIndex(layout, tensors, index) },
    ...{ files: withDtype(files, target, request.dtype), target: target.texts, fineTune: request.fineTune },
    vocabulary: plan.summary,
    threadBytes: layOutPieces(work).bytes,
  };
  return { kind: 'plan', move };
}

async function layOut(request: MoveRequest, tensors: readonly MovedTensor[]): Promise<Layout> {
  const { target, maxShardBytes } = request;
  const paths = [...new Set([...target.tensors.values()].map(({ path }) => path))];
  const headers = new Map<string, StoredHeader>();
  for (const path of paths) headers.set(path, await readHeader(path));
  if (maxShardBytes === undefined) return layOutAsTarget(tensors, target.tensors, headers);
  const metadata = headers.get(paths[0] ?? '')?.metadata ?? { format: 'pt' };
  return layOutBySize(tensors, maxShardBytes, metadata);
}

/** config.json names the dtype that transformers loads a model in; it has to be the one that is stored. */
function withDtype(
  files: readonly PlannedFile[],
  { texts }: Participant,
  dtype: FloatDtype | undefined,
): readonly PlannedFile[] {
  if (dtype === undefined) return files;
  const name = { BF16: 'bfloat16', F16: 'float16', F32: 'float32', F64: 'float64' }[dtype];
  return files.map((file) => {
    if (file.name !== 'config.json') return file;
    const text = file.text ?? texts.texts.get('config.json') ?? '{}';
    return { ...file, text: text.replaceAll(/("(?:torch_)?dtype"\s*:\s*)"[a-z0-9]+"/g, `$1"${name}"`) };
  });
}

/** Of one output: what is moved in another may have λ = 0 here. Only a single Δ can have several λ. */
function sumCoverage(tensors: readonly MovedTensor[], output: number): Coverage {
  const covered = tensors.map(({ coverage, scales }) =>
    scales?.[output] === 0 ? { ...coverage, moved: 0, kept: coverage.kept + coverage.moved } : coverage,
  );
  const sum = (field: keyof Coverage): number => covered.reduce((all, coverage) => all + coverage[field], 0);
  return { moved: sum('moved'), mapped: sum('mapped'), kept: sum('kept'), excluded: sum('excluded') };
}

/** The promise that every parameter is accounted for, checked against the shapes that are written. */
function assertCovered(coverage: Coverage, tensors: readonly MovedTensor[], folder: string): void {
  const accounted = coverage.moved + coverage.mapped + coverage.kept + coverage.excluded;
  const expected = tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const planned = tensors.reduce((sum, { parts }) => sum + parts.reduce((all, { count }) => all + count, 0), 0);
  if (accounted === expected && planned === expected) return;
  const message = `${folder}: ${String(accounted)} parameters are accounted for and ${String(planned)} planned, expected ${String(expected)}; report this.`;
  throw new WeightsError('WEIGHTS_INCOMPATIBLE', message, { accounted, planned, expected });
}

function assertShape({ maxShardBytes, dtype }: OutputShape): void {
  if (maxShardBytes !== undefined && !(maxShardBytes > 0)) {
    const message = `maxShardBytes: found ${String(maxShardBytes)}, expected more than 0; leave it out for the target's own files.`;
    throw new WeightsError('WEIGHTS_ARGUMENT_INVALID', message, { maxShardBytes });
  }
  if (dtype !== undefined && !isFloatDtype(dtype)) {
    const message = `dtype: found ${String(dtype)}, expected BF16, F16, F32 or F64; leave it out for the target's.`;
    throw new WeightsError('WEIGHTS_ARGUMENT_INVALID', message, { dtype });
  }
}
