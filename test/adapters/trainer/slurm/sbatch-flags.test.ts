import { describe, expect, it } from 'vitest';
import { sbatchFlags } from '../../../../adapters/trainer/slurm/sbatch-flags.ts';

const LAUNCH = { folder: '/shared/100%/run', token: '00112233aabbccdd' };
const flagsOf = (resources: Parameters<typeof sbatchFlags>[2]) => sbatchFlags('regraft-x', LAUNCH, resources);

describe('what sbatch is told', () => {
  it('is one task of one node, and nothing of what the spec leaves open', () => {
    expect(flagsOf({})).toEqual([
      '--nodes=1',
      '--ntasks=1',
      '--cpus-per-task=1',
      '--signal=B:TERM@120',
      '--no-requeue',
      '--job-name=regraft-x',
      '--chdir=/shared/100%/run',
      '--output=/shared/100%%/run/trainer.log',
      '--open-mode=append',
      '--input=/dev/null',
      '--parsable',
      '--export=ALL',
    ]);
  });

  it('names every resource of the spec, the time in whole minutes', () => {
    expect(
      flagsOf({
        partition: 'gpu',
        account: 'lab',
        qos: 'long',
        constraint: 'a100&nvlink',
        gpus: 2,
        cpus: 8,
        memoryMiB: 65_536,
        timeLimitSeconds: 3601,
        signalBeforeSeconds: 300,
      }),
    ).toEqual(
      expect.arrayContaining([
        '--partition=gpu',
        '--account=lab',
        '--qos=long',
        '--constraint=a100&nvlink',
        '--gres=gpu:2',
        '--cpus-per-task=8',
        '--mem=65536M',
        '--time=61',
        '--signal=B:TERM@300',
      ]),
    );
  });

  it("puts the spec's own options after its resources and before what a launch relies on", () => {
    const flags = flagsOf({ cpus: 2, options: ['--cpus-per-task=4', '--requeue'] });
    expect(flags.indexOf('--cpus-per-task=4')).toBeGreaterThan(flags.indexOf('--cpus-per-task=2'));
    expect(flags.indexOf('--no-requeue')).toBeGreaterThan(flags.indexOf('--requeue'));
  });

  it.each(['--array=0-3', '--wrap=true', '--clusters=b', '--wait', '--test-only', '-a0-3', 'job.sh'])(
    'refuses the option %s, with which a launch is not one job',
    (option) => {
      expect(() => flagsOf({ options: ['--exclusive', option] })).toThrow(
        expect.objectContaining({
          code: 'TRAINER_START_FAILED',
          retryable: false,
          message: expect.stringContaining(option),
        }),
      );
    },
  );

  it('refuses a time limit that would tell the trainer to end as it begins', () => {
    expect(() => flagsOf({ timeLimitSeconds: 180 })).toThrow(/time limit of 180 s/);
    expect(flagsOf({ timeLimitSeconds: 181 })).toContain('--time=4');
  });
});
