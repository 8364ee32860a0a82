import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { jsonLines } from '../../adapters/trainer/trainer-folder.ts';
import { findPython, PROJECT_ROOT, trainerEnvironment } from '../../workers/settings.ts';
import type { DrillPlace } from './drill-place.ts';
import { curveSchema, type Curve } from './measure.ts';

const jobSchema = z.looseObject({ attempt: z.int() });
const markerSchema = z.looseObject({ files: z.record(z.string(), z.looseObject({ sha256: z.string() })) });

export interface TrainedAlone {
  readonly curve: Curve;
  /** sha256 of a file of the last checkpoint, as its marker says. */
  digestOf(file: string): string | undefined;
}

/** Runs the reference trainer by itself, without any supervisor, on another folder's job from one of its checkpoints. */
export async function trainAlone(
  place: DrillPlace,
  { like, resumeFrom, steps }: { readonly like: string; readonly resumeFrom: string; readonly steps: number },
): Promise<TrainedAlone> {
  const folder = path.join(place.folder, 'alone');
  await mkdir(folder, { recursive: true });
  await cp(path.join(like, resumeFrom), path.join(folder, resumeFrom), { recursive: true });
  const job = jobSchema.parse(JSON.parse(await readFile(path.join(like, 'job.json'), 'utf8')));
  await writeFile(path.join(folder, 'job.json'), JSON.stringify({ ...job, attempt: job.attempt + 1, resumeFrom }));
  const environment = {
    ...trainerEnvironment(place.environment),
    CUDA_VISIBLE_DEVICES: '',
    PYTHONPATH: path.join(PROJECT_ROOT, 'trainer', 'src'),
  };
  await promisify(execFile)(findPython(place.environment), ['-m', 'regraft_trainer', folder], { env: environment });
  const curve = curveSchema.parse(jsonLines(await readFile(path.join(folder, 'metrics.jsonl'), 'utf8')));
  const marker = path.join(folder, 'checkpoints', `checkpoint-${String(steps)}`, 'COMPLETE');
  const { files } = markerSchema.parse(JSON.parse(await readFile(marker, 'utf8')));
  return { curve, digestOf: (file) => files[file]?.sha256 };
}
