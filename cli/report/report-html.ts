import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Report } from '../../contracts/report.schema.ts';
import { carriedSentence } from './report-text.ts';

const PAGE = new URL('page/', import.meta.url);

/** The report as one self-contained page: data, styles, charts and their library inside, nothing fetched. */
export async function reportHtml(report: Report): Promise<string> {
  const uplot = path.join(path.dirname(createRequire(import.meta.url).resolve('uplot/package.json')), 'dist');
  const [css, script, uplotCss, uplotScript] = await Promise.all([
    readFile(new URL('report.css', PAGE), 'utf8'),
    readFile(new URL('report.js', PAGE), 'utf8'),
    readFile(path.join(uplot, 'uPlot.min.css'), 'utf8'),
    readFile(path.join(uplot, 'uPlot.iife.min.js'), 'utf8'),
  ]);
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>Regraft: ${report.lineage}</title>`, // a lineage's name is letters, digits and dashes
    `<style>${uplotCss}\n${css}</style>`,
    '<main id="report"></main>',
    `<script type="application/json" id="data">${asScriptData({ report, carried: carriedSentence(report) })}</script>`,
    `<script>${uplotScript}</script>`,
    `<script>${script}</script>`,
    '</html>',
    '',
  ].join('\n');
}

/** JSON that cannot end the script element that holds it. */
function asScriptData(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', String.raw`\u003c`);
}
