import { isVocabularyTensor, looksTied } from '../canonical-tensors.ts';
import { dtypeProblems } from '../compatibility.ts';
import { createProblem, type Problem } from '../problem.ts';
import { adapterProblem } from './adapter-problem.ts';
import type { AdapterConfig } from './parse-adapter-config.ts';
import { pairHalves } from './pair-halves.ts';
import { planPair } from './plan-pair.ts';
import { squareOrientation } from './square-orientation.ts';
import { isOfModule, tiedProblem, tiedRole } from './tied-role.ts';
import type { AdapterDelta, AdapterOutcome, TensorShape } from './types.ts';

/**
 * Matches an adapter's tensors with the tensors of the model that it was trained on or goes to, by name and shape. Every
 * tensor of the adapter is accounted for, or there are problems, all of them: a tensor that meets none of the model, half a
 * pair, shapes or ranks that do not fit, a dtype without arithmetic, a module to save that is not there, and adapted
 * embeddings or heads of a tied model, where one tensor would have to be two. Tensors that the adapter does not mention have
 * no difference. An embedding and a head that are stored whole may have other numbers of rows than the model, if both do: the
 * vocabulary plan matches those. Pure; reads no weights. Problems: WEIGHTS_TENSOR_EXTRA, WEIGHTS_TENSOR_MISSING, WEIGHTS_SHAPE_MISMATCH,
 * WEIGHTS_DTYPE_UNSUPPORTED, WEIGHTS_TIED_MISMATCH.
 */
export function planAdapter(
  config: AdapterConfig,
  adapterTensors: ReadonlyMap<string, TensorShape>,
  targetTensors: ReadonlyMap<string, TensorShape>,
): AdapterOutcome {
  const { pairs, saved, baseCopies, problems: unpaired } = pairHalves(adapterTensors);
  const problems: Problem[] = [...dtypeProblems({ role: 'adapter', tensors: adapterTensors }), ...unpaired];
  const deltas = new Map<string, AdapterDelta>();
  const tied = looksTied(new Set(targetTensors.keys()));
  const put = (name: string, tensor: string, plan: (shape: readonly number[]) => AdapterDelta | Problem): void => {
    const shape = targetTensors.get(name)?.shape;
    const role = tied ? tiedRole(name, saved, config) : 'own';
    if (role === 'duplicate') return;
    const delta = role === 'split' ? tiedProblem(tensor) : shape === undefined ? noTarget(name, tensor) : plan(shape);
    if ('code' in delta) problems.push(delta);
    else if (deltas.has(name)) problems.push(twice(name, tensor));
    else deltas.set(name, delta);
  };
  const orientation = squareOrientation(config.fanInFanOut, pairs, targetTensors);
  for (const pair of pairs) {
    put(`${pair.module}.weight`, pair.a.name, (shape) => planPair(config, pair, shape, orientation));
  }
  for (const [name, tensor] of saved) {
    put(name, tensor, (shape) => planSaved(name, tensor, adapterTensors.get(tensor)?.shape ?? [], shape));
  }
  for (const [name, tensor] of baseCopies) {
    const isAdapted = deltas.get(name)?.kind === 'low-rank';
    const shape = adapterTensors.get(tensor)?.shape ?? [];
    if (!isAdapted || shape.join() !== targetTensors.get(name)?.shape.join())
      problems.push(otherBase(name, tensor, shape));
  }
  problems.push(...vocabularyProblems(deltas, adapterTensors, targetTensors));
  problems.push(...missingModules(config, saved), ...(adapterTensors.size === 0 ? [emptyAdapter()] : []));
  if (problems.length > 0) return { kind: 'problems', problems };
  const inOrder = [...targetTensors.keys()].flatMap((name): [string, AdapterDelta][] => {
    const delta = deltas.get(name);
    return delta === undefined ? [] : [[name, delta]];
  });
  return { kind: 'plan', deltas: new Map(inOrder), baseCopies };
}

function planSaved(
  name: string,
  tensor: string,
  found: readonly number[],
  expected: readonly number[],
): AdapterDelta | Problem {
  const from = isVocabularyTensor(name) ? 1 : 0; // rows are the vocabulary plan's business
  if (found.length === expected.length && found.slice(from).join() === expected.slice(from).join()) {
    return { kind: 'saved', tensor };
  }
  return adapterProblem('WEIGHTS_SHAPE_MISMATCH', tensor, `shape [${found.join(', ')}]`, {
    expected: `shape [${expected.join(', ')}] as in the model`,
    advice: 'use the model that the adapter was trained on, or a release of the same size',
  });
}

/** A fine-tune whose embedding and head have unlike numbers of rows is none. */
function vocabularyProblems(
  deltas: ReadonlyMap<string, AdapterDelta>,
  adapterTensors: ReadonlyMap<string, TensorShape>,
  targetTensors: ReadonlyMap<string, TensorShape>,
): readonly Problem[] {
  const rows = [...targetTensors].flatMap(([name, { shape }]): (readonly [string, number])[] => {
    if (!isVocabularyTensor(name)) return [];
    const delta = deltas.get(name);
    const stored = delta?.kind === 'saved' ? adapterTensors.get(delta.tensor)?.shape : shape;
    return [[name, stored?.[0] ?? 0]];
  });
  const [first, ...others] = rows;
  const other = others.find(([, count]) => count !== first?.[1]);
  if (first === undefined || other === undefined) return [];
  return [
    adapterProblem('WEIGHTS_SHAPE_MISMATCH', other[0], `${String(other[1])} rows with the adapter`, {
      expected: `${String(first[1])} as \`${first[0]}\` has then`,
      advice: 'save the adapter again with its embedding and its head',
    }),
  ];
}

function noTarget(name: string, tensor: string): Problem {
  return adapterProblem('WEIGHTS_TENSOR_EXTRA', tensor, `no tensor \`${name}\` in the model`, {
    expected: 'a tensor that it adapts',
    advice: 'use the model that the adapter was trained on, or a release of it',
  });
}

function otherBase(name: string, tensor: string, shape: readonly number[]): Problem {
  return adapterProblem('WEIGHTS_SHAPE_MISMATCH', tensor, `a copy of the base, of shape [${shape.join(', ')}]`, {
    expected: `the shape of \`${name}\` in the model, and a pair that adapts it`,
    advice: 'merge the adapter with PEFT and give the merged model instead',
  });
}

function twice(name: string, tensor: string): Problem {
  return adapterProblem('WEIGHTS_TENSOR_EXTRA', tensor, `another difference for \`${name}\``, {
    expected: 'one',
    advice: 'save the adapter again with PEFT',
  });
}

function missingModules({ modulesToSave }: AdapterConfig, saved: ReadonlyMap<string, string>): readonly Problem[] {
  return modulesToSave
    .filter((module) => ![...saved.keys()].some((name) => isOfModule(name, module)))
    .map((module) =>
      createProblem({
        code: 'WEIGHTS_TENSOR_MISSING',
        subject: `adapter: module \`${module}\``,
        found: 'no tensor of it',
        expected: 'its tensors, because modules_to_save names it',
        advice: 'save the adapter again with PEFT',
      }),
    );
}

function emptyAdapter(): Problem {
  return createProblem({
    code: 'WEIGHTS_TENSOR_MISSING',
    subject: 'adapter',
    found: 'no tensors',
    expected: 'at least one pair of lora_A and lora_B',
    advice: 'save the adapter again with PEFT',
  });
}
