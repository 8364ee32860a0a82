import { describe, expect, it } from 'vitest';
import { launcherSchema, lineageSpecSchema, RECIPE_KEYS } from '../../contracts/lineage-spec.schema.ts';
import { SMALLEST_SPEC } from '../support/lineage-values.ts';

const { family, finetune } = SMALLEST_SPEC;
const suite = SMALLEST_SPEC.evaluate[0];

/** Where a spec is refused, as dotted paths with the messages behind them; an unknown key counts as its own path. */
function refusals(fields: Readonly<Record<string, unknown>>): readonly (readonly [path: string, message: string])[] {
  const { error } = lineageSpecSchema.safeParse({ ...SMALLEST_SPEC, ...fields });
  return (error?.issues ?? []).flatMap((issue) => {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [null];
    return keys.map((key) => [[...issue.path, ...(key === null ? [] : [key])].join('.'), issue.message] as const);
  });
}

const paths = (fields: Readonly<Record<string, unknown>>): readonly string[] => refusals(fields).map(([path]) => path);

describe('the lineage spec', () => {
  it('fills in every default of the smallest spec', () => {
    expect(lineageSpecSchema.parse(SMALLEST_SPEC)).toEqual({
      ...SMALLEST_SPEC,
      family: { ...family, pollEvery: '1m' },
      controls: [],
      finetune: {
        ...finetune,
        trainer: 'sft',
        schedule: 'linear',
        warmupSteps: 0,
        weightDecay: 0,
        maxGradientNorm: 1,
        maxLength: 2048,
        packing: false,
        precision: 'float32',
        gradientCheckpointing: false,
        compile: false,
        seed: 0,
        launcher: { local: { gpus: 1 } },
        stallAfter: '30m',
        leaseFor: '15m',
        giveUpAfter: 5,
        keepLast: 2,
        replayTolerance: 0.01,
        environment: [],
      },
      evaluate: [{ ...suite, harness: 'onnx' }],
      auto: { scales: [1], whenBaseIsStronger: 'skip' },
      backlog: 'queue',
      publish: [],
    });
  });

  it('gives back what it has parsed: a spec read from a history is the same spec', () => {
    const spec = lineageSpecSchema.parse({ ...SMALLEST_SPEC, gate: { nonInferior: { sums: 0.1 } } });
    expect(spec.gate).toMatchObject({ against: 'published', nonInferior: { sums: 0.1 }, alpha: 0.05 });
    const again: unknown = JSON.parse(JSON.stringify(spec));
    expect(lineageSpecSchema.parse(again)).toEqual(spec);
  });

  it.each([
    ['an unknown key', { stratgy: 'plain' }, 'stratgy'],
    ['an unknown key of the family', { family: { ...family, hubs: 'x' } }, 'family.hubs'],
    ['an unknown key of the recipe', { finetune: { ...finetune, lr: 1 } }, 'finetune.lr'],
    ['an unknown key of a suite', { evaluate: [{ ...suite, weight: 1 }] }, 'evaluate.0.weight'],
    ['an unknown key of a target', { publish: [{ folder: '/out', hub: 'x' }] }, 'publish.0.hub'],
    ['a name in capitals', { name: 'Tiny' }, 'name'],
    ['a name with a slash', { name: 'a/b' }, 'name'],
    ['a name that begins with a dash', { name: '-a' }, 'name'],
    ['a name of 64 letters', { name: 'a'.repeat(64) }, 'name'],
    ['an unknown strategy', { strategy: 'best' }, 'strategy'],
    ['an unknown control', { controls: ['plain', 'other'] }, 'controls.1'],
    ['four controls', { controls: ['plain', 'plain', 'plain', 'plain'] }, 'controls'],
    ['a pattern without a field', { family: { ...family, names: 'M', order: ['release'] } }, 'family.names'],
    ['an empty order', { family: { ...family, order: [] } }, 'family.order'],
    ['an empty folder', { family: { ...family, folder: '' } }, 'family.folder'],
    ['a poll interval without a unit', { family: { ...family, pollEvery: '60' } }, 'family.pollEvery'],
    ['a poll interval of nothing', { family: { ...family, pollEvery: '0s' } }, 'family.pollEvery'],
    ['no steps', { finetune: { ...finetune, steps: 0 } }, 'finetune.steps'],
    ['half a step', { finetune: { ...finetune, steps: 1.5 } }, 'finetune.steps'],
    ['a learning rate of zero', { finetune: { ...finetune, learningRate: 0 } }, 'finetune.learningRate'],
    ['a learning rate beyond one', { finetune: { ...finetune, learningRate: 1.1 } }, 'finetune.learningRate'],
    ['an empty batch', { finetune: { ...finetune, batchSize: 0 } }, 'finetune.batchSize'],
    ['an unknown schedule', { finetune: { ...finetune, schedule: 'step' } }, 'finetune.schedule'],
    ['a negative warm-up', { finetune: { ...finetune, warmupSteps: -1 } }, 'finetune.warmupSteps'],
    ['never saving', { finetune: { ...finetune, saveEvery: 0 } }, 'finetune.saveEvery'],
    ['a seed beyond 31 bits', { finetune: { ...finetune, seed: 2 ** 31 } }, 'finetune.seed'],
    ['saving at a time of its own', { finetune: { ...finetune, saveEvery: 'often' } }, 'finetune.saveEvery'],
    ['an empty micro-batch', { finetune: { ...finetune, microBatchSize: 0 } }, 'finetune.microBatchSize'],
    ['a micro-batch that divides nothing', { finetune: { ...finetune, microBatchSize: 3 } }, 'finetune.microBatchSize'],
    ['a micro-batch beyond the batch', { finetune: { ...finetune, microBatchSize: 16 } }, 'finetune.microBatchSize'],
    ['another precision', { finetune: { ...finetune, precision: 'float16' } }, 'finetune.precision'],
    ['a LoRA without a rank', { finetune: { ...finetune, lora: { alpha: 16 } } }, 'finetune.lora.rank'],
    ['an unknown key of LoRA', { finetune: { ...finetune, lora: { rank: 8, alpha: 16, r: 1 } } }, 'finetune.lora.r'],
    [
      'a LoRA that drops all',
      { finetune: { ...finetune, lora: { rank: 8, alpha: 1, dropout: 1 } } },
      'finetune.lora.dropout',
    ],
    [
      'a spike that is none',
      { finetune: { ...finetune, divergence: { spikeFactor: 1 } } },
      'finetune.divergence.spikeFactor',
    ],
    ['a lease of a fraction', { finetune: { ...finetune, leaseFor: '0.5m' } }, 'finetune.leaseFor'],
    ['a stall without a unit', { finetune: { ...finetune, stallAfter: '30' } }, 'finetune.stallAfter'],
    ['never trying', { finetune: { ...finetune, giveUpAfter: 0 } }, 'finetune.giveUpAfter'],
    ['keeping nothing to resume from', { finetune: { ...finetune, keepLast: 0 } }, 'finetune.keepLast'],
    ['a negative tolerance', { finetune: { ...finetune, replayTolerance: -0.01 } }, 'finetune.replayTolerance'],
    ['a launcher that does not exist', { finetune: { ...finetune, launcher: { k8s: {} } } }, 'finetune.launcher'],
    ['two launchers', { finetune: { ...finetune, launcher: { local: {}, slurm: {} } } }, 'finetune.launcher'],
    ['a variable with a value', { finetune: { ...finetune, environment: ['A=1'] } }, 'finetune.environment.0'],
    ['a Temporal key', { finetune: { ...finetune, environment: ['A', 'TEMPORAL_API_KEY'] } }, 'finetune.environment.1'],
    ['a program for the reference trainer', { finetune: { ...finetune, command: ['train'] } }, 'finetune.command'],
    ['a command without a program', { finetune: { ...finetune, trainer: 'command' } }, 'finetune.command'],
    ['a program of no words', { finetune: { ...finetune, trainer: 'command', command: [] } }, 'finetune.command'],
    ['another trainer', { finetune: { ...finetune, trainer: 'dpo' } }, 'finetune.trainer'],
    ['no suite', { evaluate: [] }, 'evaluate'],
    ['another harness', { evaluate: [{ ...suite, harness: 'helm' }] }, 'evaluate.0.harness'],
    ['a probe of a line’s ends alone', { probe: { suite: '/text.txt', points: 2 } }, 'probe.points'],
    ['no λ at all', { strategy: 'auto', auto: { scales: [] } }, 'auto.scales'],
    ['a target that is no arm', { stop: { target: 'direct' } }, 'stop.target'],
    ['a margin above one', { gate: { nonInferior: { sums: 1.5 } } }, 'gate.nonInferior.sums'],
    ['another backlog', { backlog: 'newest' }, 'backlog'],
    ['an empty budget', { budget: { lineage: { then: 'skip' } } }, 'budget.lineage'],
    ['an empty budget of a run', { budget: { run: {} } }, 'budget.run'],
    ['a budget of steps of a run', { budget: { run: { steps: 10 } } }, 'budget.run.steps'],
    ['a budget of no step', { budget: { lineage: { steps: 0 } } }, 'budget.lineage.steps'],
    ['a budget of no GPU-hour', { budget: { lineage: { gpuHours: 0 } } }, 'budget.lineage.gpuHours'],
    ['a budget in hours without a unit', { budget: { lineage: { wallTime: '10' } } }, 'budget.lineage.wallTime'],
    [
      'a lineage that fails when it is spent',
      { budget: { lineage: { steps: 1, then: 'fail' } } },
      'budget.lineage.then',
    ],
    ['a run that pauses when it is spent', { budget: { run: { gpuHours: 1, then: 'pause' } } }, 'budget.run.then'],
    ['an unknown key of a budget', { budget: { team: { steps: 1 } } }, 'budget.team'],
    ['controls at no release', { controlsEvery: 0 }, 'controlsEvery'],
    ['a priority before the first', { priority: 0 }, 'priority'],
    ['a priority after the last', { priority: 6 }, 'priority'],
    ['a priority in between', { priority: 2.5 }, 'priority'],
    ['a team in capitals', { team: 'Chat' }, 'team'],
    ['a share of nothing', { share: 0 }, 'share'],
    ['a share of everything', { share: 1001 }, 'share'],
    ['no arm at a time', { concurrency: 0 }, 'concurrency'],
    ['more arms at a time than there are', { concurrency: 5 }, 'concurrency'],
    ['an approval of another kind', { gate: { approval: 'auto' } }, 'gate.approval'],
    ['an approval without an end', { gate: { approval: { timeout: '2h' } } }, 'gate.approval'],
    ['an approval that ends otherwise', { gate: { approval: { timeout: '2h', otherwise: 'skip' } } }, 'gate.approval'],
    ['an approval in days', { gate: { approval: { timeout: '2d', otherwise: 'reject' } } }, 'gate.approval.timeout'],
  ])('refuses %s at its path', (_claim, fields, path) => {
    expect(paths(fields)).toContain(path);
  });

  it.each([
    ['a program of the user’s own', { trainer: 'command', command: ['python', 'train.py', '{folder}'] }],
    ['a dataset of the Hub at a commit', { dataset: `hub://datasets/acme/sums@${'0'.repeat(40)}` }],
    ['saving as often as it pays', { saveEvery: 'auto' }],
    ['a micro-batch of the whole batch', { microBatchSize: 8 }],
    ['a micro-batch of one', { microBatchSize: 1 }],
    ['bit-for-bit replays', { replayTolerance: 0 }],
    ['training on the CPU of a machine with GPUs', { launcher: { local: { gpus: 0 } } }],
    ['tokens for the Hub', { environment: ['HF_TOKEN', '_X1'] }],
    ['a name that only resembles a Temporal setting', { environment: ['MY_TEMPORAL_X', 'TEMPORALLY'] }],
  ])('takes %s', (_claim, keys) => {
    expect(paths({ finetune: { ...finetune, ...keys } })).toEqual([]);
  });

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ['every backlog', { backlog: 'supersede' }],
    ['the other backlog', { backlog: 'latest' }],
    ['a strategy that trains once', { strategy: 'transfer-only' }],
    ['a control that trains once', { controls: ['transfer-only', 'plain'] }],
    ['a person’s approval', { gate: { approval: 'manual' } }],
    ['controls at every third release', { controlsEvery: 3 }],
    ['one arm at a time, first, for a team with three turns', { concurrency: 1, priority: 1, team: 'chat', share: 3 }],
    ['the smallest share', { share: 0.001 }],
  ])('takes %s, as it is written', (_claim, fields) => {
    expect(lineageSpecSchema.parse({ ...SMALLEST_SPEC, ...fields })).toMatchObject(fields);
  });

  it('fills in what is done when a budget is spent, and keeps an approval as it is', () => {
    const gate = { approval: { timeout: '2h', otherwise: 'approve' } };
    const budget = { run: { wallTime: '30m' }, lineage: { gpuHours: 0.5 } };
    expect(lineageSpecSchema.parse({ ...SMALLEST_SPEC, gate, budget })).toMatchObject({
      gate,
      budget: { run: { wallTime: '30m', then: 'conclude' }, lineage: { gpuHours: 0.5, then: 'pause' } },
    });
  });

  it('says which limits a budget may have when it has none', () => {
    expect(refusals({ budget: { run: { then: 'fail' }, lineage: {} } })).toEqual([
      ['budget.run', 'name at least one limit: gpuHours or wallTime (`finetune.steps` is the limit in steps)'],
      ['budget.lineage', 'name at least one limit: steps, gpuHours or wallTime'],
    ]);
  });

  it('fills in the defaults of LoRA, of a spike and of Slurm where they are asked for', () => {
    const keys = { lora: { rank: 8, alpha: 16 }, divergence: { spikeFactor: 4 } };
    expect(lineageSpecSchema.parse({ ...SMALLEST_SPEC, finetune: { ...finetune, ...keys } }).finetune).toMatchObject({
      lora: { rank: 8, alpha: 16, dropout: 0, targetModules: 'all-linear', rsLora: false },
      divergence: { spikeFactor: 4, patience: 3 },
    });
    const slurm = { gpus: 0, cpus: 1, signalBefore: '2m', options: [] };
    expect(launcherSchema.parse({ slurm: {} })).toEqual({ slurm });
  });

  it('divides every key of a fine-tune into what is computed and how that is looked after', () => {
    const optional = {
      ...{ trainer: 'command', command: ['train'], microBatchSize: 8, accelerate: 'fsdp.yaml' },
      ...{ lora: { rank: 8, alpha: 16 }, divergence: { spikeFactor: 4 } },
    };
    const full = lineageSpecSchema.parse({ ...SMALLEST_SPEC, finetune: { ...finetune, ...optional } });
    const keys = Object.keys(full.finetune);
    expect(RECIPE_KEYS.filter((key) => !keys.includes(key))).toEqual([]);
    const recipe: readonly string[] = RECIPE_KEYS;
    expect(keys.filter((key) => !recipe.includes(key)).sort()).toEqual([
      ...['environment', 'giveUpAfter', 'keepLast', 'launcher', 'leaseFor'],
      ...['replayTolerance', 'stallAfter'],
    ]);
  });

  it('refuses what is missing, all at once', () => {
    const { error } = lineageSpecSchema.safeParse({});
    const missing = error?.issues.map((issue) => issue.path.join('.')) ?? [];
    expect([...missing].sort()).toEqual(['evaluate', 'family', 'finetune', 'name', 'strategy']);
  });

  it('refuses an order field that the pattern does not have, and names those it has', () => {
    const names = 'stage{stage}-step{step}';
    expect(refusals({ family: { ...family, names, order: ['step', 'tokens'] } })).toEqual([
      ['family.order.1', '`tokens` is not a field of the pattern `stage{stage}-step{step}`; use one of stage, step'],
    ]);
  });

  it('refuses the second of two suites of one name', () => {
    expect(refusals({ evaluate: [suite, { name: 'words', suite: '/w' }, suite] })).toEqual([
      ['evaluate.2.name', '`sums` is used twice; give each suite its own name'],
    ]);
  });

  it('refuses a gate on a suite that nobody evaluates, and names those there are', () => {
    expect(refusals({ gate: { nonInferior: { sums: 0, words: 0.1 } } })).toEqual([
      ['gate.nonInferior.words', 'no suite is called `words`; use one of sums'],
    ]);
  });

  it('refuses to hold something against a plain arm that does not run', () => {
    const message = 'no plain arm runs beside the production arm; add it with `controls: [plain]`';
    const both = { gate: { against: ['published', 'plain'] }, stop: { target: 'plain' } };
    expect(refusals(both)).toEqual([
      ['gate.against', message],
      ['stop.target', message],
    ]);
    expect(refusals({ ...both, strategy: 'plain', controls: ['plain'] })).toHaveLength(2);
    expect(refusals({ ...both, controls: ['plain'] })).toEqual([]);
  });

  it('names every problem of a wrong spec in one go', () => {
    const wrong = {
      family: { ...family, order: ['step'] },
      evaluate: [suite, suite],
      gate: { nonInferior: { words: 0 } },
    };
    expect(paths(wrong)).toEqual(['family.order.0', 'evaluate.1.name', 'gate.nonInferior.words']);
  });
});
