/**
 * Writes dashboards/generated/*.json from the catalogue. With --check it writes nothing, and exits 1 naming the files
 * that differ from what would be written.
 *
 *     node --import tsx scripts/generate-dashboards.ts [--check]
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderDashboards } from '../dashboards/generate.ts';

const FOLDER = fileURLToPath(new URL('../dashboards/generated/', import.meta.url));

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.filter((argument) => argument !== '--check');
  if (unknown.length > 0) {
    console.error(`generate-dashboards: unknown argument ${unknown.join(' ')}, expected --check or nothing.`);
    return 2;
  }
  const rendered = renderDashboards();
  const differing = await differingFiles(rendered);
  if (!args.includes('--check')) {
    await write(rendered, differing);
    return 0;
  }
  for (const name of differing) {
    console.error(
      `dashboards/generated/${name}: differs from the sources; run node --import tsx scripts/generate-dashboards.ts`,
    );
  }
  return differing.length === 0 ? 0 : 1;
}

/** Names of files that are missing, changed, or no longer rendered. */
async function differingFiles(rendered: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const present = existsSync(FOLDER) ? await readdir(FOLDER) : [];
  const differing: string[] = [];
  for (const name of [...new Set([...present, ...rendered.keys()])].sort()) {
    const onDisk = present.includes(name) ? await readFile(join(FOLDER, name), 'utf8') : undefined;
    if (onDisk !== rendered.get(name)) differing.push(name);
  }
  return differing;
}

async function write(rendered: ReadonlyMap<string, string>, differing: readonly string[]): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  for (const name of differing) {
    const text = rendered.get(name);
    if (text === undefined) await rm(join(FOLDER, name));
    else await writeFile(join(FOLDER, name), text);
    console.log(`dashboards/generated/${name}: ${text === undefined ? 'removed' : 'written'}`);
  }
}

process.exitCode = await main(process.argv.slice(2));
