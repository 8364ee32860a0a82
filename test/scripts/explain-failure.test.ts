import { expect, it } from 'vitest';
import { explainFailure } from '../../scripts/lib/explain-failure.mjs';

it.each([
  ['npm error code ENOTFOUND\nnpm error network request failed', 'the package registry could not be reached'],
  [
    "WARNING: Retrying after connection broken by 'NewConnectionError'\nERROR: No matching distribution found for torch==2.13.0",
    'the package registry could not be reached',
  ],
  ['ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device', 'the disk is full'],
  ['ERROR: No matching distribution found for torch==2.13.0', 'has no build for this Python or platform'],
  ['npm error code EUSAGE', 'package-lock.json does not match package.json'],
  ["npm error code EACCES\nnpm error syscall mkdir\nnpm error path '/srv/regraft'", 'a file could not be written'],
])('explains %j', (output, expected) => {
  expect(explainFailure('npm ci', output)).toMatch(new RegExp(`^npm ci failed: .*${expected}`));
});

it('points at the installer’s own words when it knows no cause', () => {
  expect(explainFailure('npm ci', 'npm error code EWEIRD')).toBe(
    'npm ci failed: its own words are above; mend what they name and run it again.',
  );
});
