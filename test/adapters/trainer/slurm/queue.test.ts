import { describe, expect, it } from 'vitest';
import { decisiveJob, parseJobId, parseQueue } from '../../../../adapters/trainer/slurm/queue.ts';

const QUEUED = { kind: 'queued' };
const RUNNING = { kind: 'running' };
const ended = (reason: string | null) => ({ kind: 'ended', reason });

describe('reading the queue', () => {
  it.each([
    ['PENDING', QUEUED],
    ['CONFIGURING', QUEUED],
    ['REQUEUED', QUEUED],
    ['RUNNING', RUNNING],
    ['COMPLETING', RUNNING],
    ['SUSPENDED', RUNNING],
    ['COMPLETED', ended(null)],
    ['FAILED', ended(null)],
    ['DEADLINE', ended(null)],
    ['TIMEOUT', ended('time-limit')],
    ['PREEMPTED', ended('preempted')],
    ['NODE_FAIL', ended('node-failure')],
    ['BOOT_FAIL', ended('node-failure')],
    ['OUT_OF_MEMORY', ended('out-of-memory')],
    ['CANCELLED', ended('cancelled')],
  ])('knows what %s means', (word, phase) => {
    expect(parseQueue(`17|${word}\n`)).toEqual([{ id: 17, word, phase }]);
  });

  it('finds no job in an empty answer', () => {
    expect(parseQueue('')).toEqual([]);
    expect(parseQueue('\n')).toEqual([]);
    expect(decisiveJob([])).toBeNull();
  });

  it.each([
    '17|DREAMING',
    '17',
    '|RUNNING',
    'slurm_load_jobs error: Unable to contact slurm controller',
    '17|toString',
  ])('concludes nothing from "%s"', (line) => {
    expect(() => parseQueue(line)).toThrow(
      expect.objectContaining({ code: 'SLURM_UNREACHABLE', retryable: true, message: expect.stringContaining(line) }),
    );
  });

  it.each([
    ['one that runs before a newer one that is over', '8|CANCELLED\n7|RUNNING\n', 7],
    ['one that waits before a newer one that is over', '7|PENDING\n8|FAILED\n', 7],
    ['the newest of those that are over, by number', '9|FAILED\n10|TIMEOUT\n', 10],
  ])('of several jobs of a name takes %s', (_, output, id) => {
    expect(decisiveJob(parseQueue(output))?.id).toBe(id);
  });

  it.each([
    ['4711\n', 4711],
    ['4711;cluster-2\n', 4711],
    ['sbatch: a plugin says hello\n4711\n', 4711],
    ['', null],
    ['Submitted batch job', null],
    ['-1', null],
  ])('reads the id that sbatch prints as %j', (output, id) => {
    expect(parseJobId(output)).toBe(id);
  });
});
