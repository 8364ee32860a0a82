import path from 'node:path';
import { writeFileAtomic } from '../../adapters/store/atomic-file.ts';
import type { Report } from '../../contracts/report.schema.ts';
import { reportHtml } from './report-html.ts';

/** Where a report goes besides the terminal; paths as the user wrote them, relative to where they stand. */
export interface ReportFiles {
  readonly json: string | undefined;
  readonly html: string | undefined;
}

/** Writes the files that were asked for, each whole or not at all; returns their absolute paths. */
export async function writeReport(report: Report, files: ReportFiles): Promise<readonly string[]> {
  const written: string[] = [];
  const write = async (file: string, text: string): Promise<void> => {
    await writeFileAtomic(path.resolve(file), text);
    written.push(path.resolve(file));
  };
  if (files.json !== undefined) await write(files.json, `${JSON.stringify(report, null, 2)}\n`);
  if (files.html !== undefined) await write(files.html, await reportHtml(report));
  return written;
}
