// Writes every generated file from its source; with --check changes nothing and ends with 1 when one would differ.
//   node --import tsx scripts/generate.ts [--check]
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { lineageSpecSchema } from '../contracts/lineage-spec.schema.ts';
import { renderDashboards } from '../dashboards/generate.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

function renderLineageSchema(): string {
  const schema = z.toJSONSchema(lineageSpecSchema, { io: 'input' });
  return `${JSON.stringify({ ...schema, title: 'A Regraft lineage' }, null, 2)}\n`;
}

const generated = new Map([
  ['configs/lineage.schema.json', renderLineageSchema()],
  ...[...renderDashboards()].map(([name, text]) => [`dashboards/generated/${name}`, text] as const),
]);

const differing: string[] = [];
for (const [name, text] of generated) {
  const current = await readFile(path.join(root, name), 'utf8').catch(() => '');
  if (current !== text) differing.push(name);
}
if (process.argv.includes('--check')) {
  for (const name of differing) console.error(`${name} differs from its source; run \`npm run generate\`.`);
  process.exitCode = differing.length === 0 ? 0 : 1;
} else {
  for (const name of differing) {
    await writeFile(path.join(root, name), generated.get(name) ?? '');
    console.log(`wrote ${name}`);
  }
}
