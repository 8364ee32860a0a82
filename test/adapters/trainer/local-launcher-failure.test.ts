import { describe, expect, it, vi } from 'vitest';
import { makeLauncher, prepare, programIn, trainingFolder } from '../../support/local-trainer.ts';

// The launcher waits twenty seconds for an identity; here every wait is over at once.
vi.mock('node:timers/promises', () => ({ setTimeout: () => Promise.resolve() }));

describe('a trainer that leaves no identity', () => {
  it('failed to start, which may be tried again, and its log is named', async () => {
    const folder = await trainingFolder();
    await prepare(folder, 2); // the folder is another launch's by now
    const starting = makeLauncher().start({ folder, token: 'f'.repeat(16) }, programIn(folder));
    await expect(starting).rejects.toMatchObject({
      code: 'TRAINER_START_FAILED',
      retryable: true,
      message: `The trainer in ${folder} left no identity, after up to 20 s; see trainer.log there.`,
    });
  });
});
