import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Programs that tests need from the system, and Debian's package of each. */
const PACKAGES = {
  prometheus: 'prometheus',
  promtool: 'prometheus',
  chromium: 'chromium',
  openssl: 'openssl',
  unshare: 'util-linux',
  ip: 'iproute2',
  'systemd-analyze': 'systemd',
} as const;

/** Path of a program that a test needs. Throws, naming Debian's package, when it is not there. */
export async function findOnPath(program: keyof typeof PACKAGES): Promise<string> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, program);
    const executable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (executable) return path;
  }
  const name = PACKAGES[program];
  throw new Error(
    `${program}: not found on PATH; install Debian's package ${name} (apt-get install -y --no-install-recommends ${name}).`,
  );
}
