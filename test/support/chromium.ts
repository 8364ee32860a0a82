import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { findOnPath } from './find-on-path.ts';

/** What the document of a page is once its scripts have run, in a real browser with a profile of its own. */
export async function documentOf(html: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'regraft-chromium-'));
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'];
  const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];
  const profile = `--user-data-dir=${path.join(folder, 'profile')}`;
  const page = path.join(folder, 'page.html');
  try {
    await writeFile(page, html);
    const { stdout } = await promisify(execFile)(
      await findOnPath('chromium'),
      [...flags, ...quiet, profile, '--window-size=1200,1000', '--dump-dom', pathToFileURL(page).href],
      { timeout: 60_000, maxBuffer: 64 * 1024 * 1024 },
    );
    return stdout;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
