import { join } from 'node:path';
import type { CaseId } from './case-ids.ts';
import { MERGEKIT_VERSION } from './mergekit.ts';
import { modelSets, type ModelSet } from './model-sets.ts';

/** Where a case finds what it works on; absolute. */
export interface CasePlace {
  readonly target: string;
  readonly tuned: string;
  readonly base: string;
  /** A folder that does not exist when the case begins, or (plan) a file. */
  readonly out: string;
  /** The compiled `ours.ts`. */
  readonly ours: string;
  readonly python: string;
  readonly mergekit: string;
  readonly mergekitConfig: string;
}

export interface BenchCase {
  readonly id: CaseId;
  readonly tool: string;
  readonly models: ModelSet;
  /** Run from the checkout's root. */
  readonly command: (place: CasePlace) => readonly string[];
  /** Run before every run, not measured. */
  readonly prepare?: (place: CasePlace) => readonly string[];
  /** Where a model is computed: the folder of the set that holds what has to come out. */
  readonly expected?: 'expected' | 'target';
  /** Whether the command writes its own seconds into `out`. */
  readonly timesItself?: true;
}

/** Cases of one group are run in turns (A B C A B C …): what disturbs the machine disturbs them alike. */
export interface CaseGroup {
  readonly cases: readonly BenchCase[];
  /** Runs to begin with that are not counted. */
  readonly warmUps: number;
  /** Never more runs than this. */
  readonly mostRuns: number;
  /** Whether the inputs are read before every run, so that none waits for the disk. */
  readonly warmsInputs: boolean;
}

const COMMAND = join('bin', 'regraft.mjs');
const PYTHON_FILES = join('scripts', 'bench', 'weights', 'python');
const WHOLE_MODEL = join(PYTHON_FILES, 'whole_model.py');
// Arguments of `sh -c` begin at $0: the name of the shell.
const CAT = ['sh', '-c', 'cat "$1"/*.safetensors "$2"/*.safetensors "$3"/*.safetensors > /dev/null', 'sh'];
const OPENSSL = ['sh', '-c', '"$1" "$2" "$3"/*.safetensors', 'sh'];
const SYNCED = ['sh', '-c', 'cp -r "$1" "$2" && sync "$2"/*', 'sh'];
const DIGEST = ['sh', '-c', 'sha256sum "$1"/*.safetensors', 'sh'];

/** What is measured at one size. */
export function caseGroups(size: 'small' | 'full'): readonly CaseGroup[] {
  const sets = modelSets(size);
  const warmUps = size === 'full' ? 1 : 0;
  return [
    { cases: transferCases(sets.measured), warmUps, mostRuns: Infinity, warmsInputs: true },
    {
      cases: [planCase('plan-70b', sets.plan), planCase('plan-70b-tokenizers', sets.planTokenizers)],
      ...{ warmUps, mostRuns: Infinity, warmsInputs: false },
    },
    // For its memory; its time is that of zeros, and its pages drive those of the others out.
    {
      cases: [
        { id: 'recycle-4x', tool: 'regraft', models: sets.grown, command: ours('recycle-default'), expected: 'target' },
      ],
      ...{ warmUps: 0, mostRuns: 2, warmsInputs: false },
    },
  ];
}

/** Reads the three models of a place; nothing may be quicker that needs their bytes. */
export function readInputs({ target, tuned, base }: CasePlace): readonly string[] {
  return [...CAT, target, tuned, base];
}

function transferCases(models: ModelSet): readonly BenchCase[] {
  const copy: BenchCase['command'] = ({ target, out }) => ['cp', '-r', target, out];
  const computed = { models, expected: 'expected' } as const;
  return [
    { id: 'cat', tool: 'cat', models, command: readInputs },
    { id: 'cp', tool: 'cp', models, command: copy },
    { id: 'sha256sum', tool: 'sha256sum', models, prepare: copy, command: ({ out }) => [...DIGEST, out] },
    {
      id: 'sha256-openssl',
      tool: 'OpenSSL',
      models,
      prepare: copy,
      command: ({ python, out }) => [...OPENSSL, python, join(PYTHON_FILES, 'digest_files.py'), out],
    },
    { ...computed, id: 'recycle', tool: 'regraft', command: ours('recycle') },
    { ...computed, id: 'recycle-default', tool: 'regraft', command: ours('recycle-default') },
    // With the disk waited for, as a product has to: a disk's speed says little about a tool's. Ours as its user calls it.
    { id: 'cp-durable', tool: 'cp', models, command: ({ target, out }) => [...SYNCED, target, out] },
    {
      ...computed,
      id: 'regraft-recycle',
      tool: 'regraft',
      command: ({ target, tuned, base, out }) => [
        ...[process.execPath, COMMAND, 'recycle', '--target', target, '--tuned', tuned, '--base', base, '--out', out],
      ],
    },
    {
      ...computed,
      id: 'mergekit',
      tool: `mergekit ${MERGEKIT_VERSION}`,
      command: ({ mergekit, mergekitConfig, out }) => [mergekit, mergekitConfig, out, '--lazy-unpickle'],
    },
    {
      ...computed,
      id: 'whole-model',
      tool: 'transformers',
      command: ({ python, target, tuned, base, out }) => [python, WHOLE_MODEL, target, tuned, base, out],
    },
  ];
}

function planCase(id: CaseId, models: ModelSet): BenchCase {
  return { id, tool: 'regraft', models, command: ours('plan'), timesItself: true };
}

function ours(mode: 'recycle' | 'recycle-default' | 'plan'): BenchCase['command'] {
  return ({ ours: program, target, tuned, base, out }) => [process.execPath, program, mode, target, tuned, base, out];
}
