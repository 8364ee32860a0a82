// Writes every generated file from its source and removes the dashboards and alerts that no source makes any more; with --check
// changes nothing and ends with 1 when something would differ.
//   node --import tsx scripts/generate.ts [--check]
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { lineageSpecSchema } from '../contracts/lineage-spec.schema.ts';
import { renderAlerts, renderDashboards } from '../dashboards/generate.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Holds generated files and nothing else. */
const DASHBOARDS = 'dashboards/generated';

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.filter((argument) => argument !== '--check');
  if (unknown.length > 0) {
    console.error(`generate: unknown argument ${unknown.join(' ')}, expected --check or nothing.`);
    return 2;
  }
  const generated = renderAll();
  const differing = await differingFiles(generated);
  if (!args.includes('--check')) {
    await write(generated, differing);
    return 0;
  }
  for (const name of differing) console.error(`${name}: differs from its source; run \`npm run generate\`.`);
  return differing.length === 0 ? 0 : 1;
}

/** The generated files as they should be: path to text. */
function renderAll(): ReadonlyMap<string, string> {
  return new Map([
    ['configs/lineage.schema.json', renderLineageSchema()],
    ...[...renderDashboards(), ...renderAlerts()].map(([name, text]) => [`${DASHBOARDS}/${name}`, text] as const),
  ]);
}

function renderLineageSchema(): string {
  const schema = z.toJSONSchema(lineageSpecSchema, { io: 'input' });
  return `${JSON.stringify({ ...schema, title: 'A Regraft lineage' }, null, 2)}\n`;
}

/** Paths of files that are missing, changed, or no longer rendered. */
async function differingFiles(generated: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const folder = path.join(ROOT, DASHBOARDS);
  const present = existsSync(folder) ? await readdir(folder) : [];
  const names = new Set([...generated.keys(), ...present.map((name) => `${DASHBOARDS}/${name}`)]);
  const differing: string[] = [];
  for (const name of [...names].sort()) {
    const file = path.join(ROOT, name);
    const onDisk = existsSync(file) ? await readFile(file, 'utf8') : undefined;
    if (onDisk !== generated.get(name)) differing.push(name);
  }
  return differing;
}

async function write(generated: ReadonlyMap<string, string>, differing: readonly string[]): Promise<void> {
  for (const name of differing) {
    const file = path.join(ROOT, name);
    const text = generated.get(name);
    if (text === undefined) await rm(file);
    else {
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    console.log(`${name}: ${text === undefined ? 'removed' : 'written'}`);
  }
}

process.exitCode = await main(process.argv.slice(2));
