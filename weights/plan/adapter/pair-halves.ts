import type { Problem } from '../problem.ts';
import { adapterProblem } from './adapter-problem.ts';
import { parseAdapterName, type AdapterName } from './parse-adapter-name.ts';
import type { TensorShape } from './types.ts';

/** One half of a low-rank difference. */
export interface Half {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Both halves for one module. */
export interface Pair {
  readonly module: string;
  readonly isEmbedding: boolean;
  readonly a: Half;
  readonly b: Half;
}

/** An adapter's tensors by what they are. */
export interface PairedTensors {
  readonly pairs: readonly Pair[];
  /** Tensors that are stored whole: name in the model -> name in the adapter. */
  readonly saved: ReadonlyMap<string, string>;
  /** Copies of tensors of the base, which stay as they were: name in the model -> name in the adapter. */
  readonly baseCopies: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
}

/** What is known of a module while its halves are being collected. */
interface Collected {
  readonly module: string;
  readonly isEmbedding: boolean;
  readonly A?: Half;
  readonly B?: Half;
}

/** Sorts an adapter's tensors into pairs and whole tensors; what is neither, or half a pair, or there twice, is a problem. */
export function pairHalves(tensors: ReadonlyMap<string, TensorShape>): PairedTensors {
  const collected = new Map<string, Collected>();
  const whole = { saved: new Map<string, string>(), base: new Map<string, string>() };
  const problems: Problem[] = [];
  for (const [name, { shape }] of tensors) {
    const parsed = parseAdapterName(name);
    if (parsed === null) {
      problems.push(notLora(name));
    } else if (parsed.part === 'saved' || parsed.part === 'base') {
      const names = whole[parsed.part];
      if (names.has(parsed.module)) problems.push(again(name));
      else names.set(parsed.module, name);
    } else if (!collect(collected, parsed, { name, shape })) problems.push(again(name));
  }
  const pairs = [...collected.values()].flatMap(({ module, isEmbedding, A: a, B: b }): Pair[] => {
    if (a !== undefined && b !== undefined) return [{ module, isEmbedding, a, b }];
    problems.push(halfOnly(a ?? b, a === undefined ? 'A' : 'B'));
    return [];
  });
  return { pairs, saved: whole.saved, baseCopies: whole.base, problems };
}

/** Keeps a half; false where the module has that half already. */
function collect(collected: Map<string, Collected>, { module, part }: AdapterName, half: Half): boolean {
  const isEmbedding = part.startsWith('embedding');
  const side = part.endsWith('A') ? 'A' : 'B';
  const key = `${isEmbedding ? 'embedding' : 'linear'} ${module}`;
  const known = collected.get(key) ?? { module, isEmbedding };
  if (known[side] !== undefined) return false;
  collected.set(key, { ...known, [side]: half });
  return true;
}

function notLora(name: string): Problem {
  return adapterProblem('WEIGHTS_TENSOR_EXTRA', name, 'neither half of a pair nor a whole tensor of the model', {
    expected: 'lora_A, lora_B, or the tensors of modules_to_save',
    advice: 'merge the adapter with PEFT and give the merged model instead',
  });
}

function again(name: string): Problem {
  return adapterProblem('WEIGHTS_TENSOR_EXTRA', name, 'the same part under another name', {
    expected: 'each part once',
    advice: 'save the adapter again with PEFT',
  });
}

function halfOnly(half: Half | undefined, missing: 'A' | 'B'): Problem {
  return adapterProblem('WEIGHTS_TENSOR_MISSING', half?.name ?? '', `no lora_${missing} beside it`, {
    expected: 'both halves',
    advice: 'fetch the adapter again',
  });
}
