import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DRILLS } from '../../drills/all-drills.ts';
import { DrillGround } from '../../drills/drill-ground.ts';
import type { DrillRow } from '../../drills/drill.ts';
import { failedDrill, judgeDrill } from '../../drills/judge-drill.ts';
import { runCli } from '../support/run-cli.ts';
import { temporaryFolder } from '../support/safetensors.ts';

const [trainerKilled, ...others] = DRILLS;
const KEPT: DrillRow = judgeDrill(
  trainerKilled!,
  { stepsLost: 5, secondsToTraining: 4.25, continuity: 'verified', curveEqual: true, finalDigestEqual: true },
  10,
);

/** Drills that come out as said, without being held; tells which were asked for. */
function scriptGround(rowOf: (fault: string) => DrillRow): { readonly asked: string[] } {
  const asked: string[] = [];
  vi.spyOn(DrillGround.prototype, 'prepare').mockResolvedValue();
  vi.spyOn(DrillGround.prototype, 'holdAll').mockImplementation(async (drills, told) => {
    asked.push(...drills.map(({ fault }) => fault));
    const rows = drills.map(({ fault }) => rowOf(fault));
    rows.forEach(told);
    return rows;
  });
  return { asked };
}

let temporary: string;
beforeEach(async () => {
  temporary = await temporaryFolder();
  vi.stubEnv('TMPDIR', temporary);
  vi.spyOn(process.stdout, 'write').mockReturnValue(true); // progress
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe('regraft drill', () => {
  it('holds every drill when none is named, and answers with their rows', async () => {
    const { asked } = scriptGround((fault) => ({ ...KEPT, fault }));
    const { exitCode, out } = await runCli('drill', '--json');
    expect(exitCode).toBe(0);
    expect(asked).toEqual(DRILLS.map(({ fault }) => fault));
    expect(JSON.parse(out)).toEqual(asked.map((fault) => ({ ...KEPT, fault })));
  });

  it('leaves no folder behind, and with --keep the one that it names', async () => {
    scriptGround((fault) => ({ ...KEPT, fault }));
    await runCli('drill', '--only', 'disk-full');
    expect(await readdir(temporary)).toEqual([]);
    const { out } = await runCli('drill', '--only', 'disk-full', '--keep');
    const [kept = ''] = await readdir(temporary);
    expect(out).toContain(`Everything that the drills wrote is in ${path.join(temporary, kept)}`);
  });

  it('holds only those that are named, and shows them in a table', async () => {
    const { asked } = scriptGround((fault) => ({ ...KEPT, fault }));
    const { exitCode, out } = await runCli('drill', '--only', 'trainer-killed, disk-full');
    expect(exitCode).toBe(0);
    expect(asked).toEqual(['trainer-killed', 'disk-full']);
    expect(out).toMatch(/trainer-killed +│ 5 +│ 4\.3 +│ verified +│ identical +│ identical +│ kept/);
  });

  it('ends with 1 and names each promise that was broken, after all rows', async () => {
    const broken = failedDrill(others[0]!, 'Waited 60 s in vain until the moon rose.');
    scriptGround((fault) => (fault === broken.fault ? broken : { ...KEPT, fault }));
    const { exitCode, out, err } = await runCli('drill', '--json');
    expect(exitCode).toBe(1);
    expect(JSON.parse(out)).toHaveLength(DRILLS.length);
    expect(JSON.parse(err)).toMatchObject({
      error: {
        code: 'DRILL_PROMISE_BROKEN',
        message: `Not every promise was kept.\n  ${broken.fault}: Waited 60 s in vain until the moon rose.`,
      },
    });
  });

  it('refuses a fault that there is no drill for, and lists those there are, with 2', async () => {
    const { asked } = scriptGround((fault) => ({ ...KEPT, fault }));
    const { exitCode, err } = await runCli('drill', '--only', 'trainer-killed,meteor');
    expect(exitCode).toBe(2);
    expect(err).toBe(`--only names \`meteor\`; there are ${DRILLS.map(({ fault }) => fault).join(', ')}. [USAGE]`);
    expect(asked).toEqual([]);
  });
});
