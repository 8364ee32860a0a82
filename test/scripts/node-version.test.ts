import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { isOlder, nodeProblem, OLDEST_NODE } from '../../scripts/lib/node-version.mjs';

it('refuses a Node that is too old and says which one is needed', () => {
  expect(nodeProblem('20.9.0', 'linux')).toBe(
    'Node 20.9.0 is too old: Regraft needs 20.19.0 or newer; install a current Node and run it again.',
  );
});

it('accepts the oldest Node and newer ones', () => {
  expect([OLDEST_NODE, '20.20.2', '22.0.0', '24.1.0'].map((version) => nodeProblem(version, 'darwin'))).toEqual([
    null,
    null,
    null,
    null,
  ]);
});

it('sends Windows to WSL', () => {
  expect(nodeProblem('24.0.0', 'win32')).toContain('WSL');
});

it('asks for the same Node as package.json', () => {
  const engines = /"node": ">=([\d.]+)"/.exec(readFileSync('package.json', 'utf8'))?.[1] ?? '';
  expect(isOlder(engines, OLDEST_NODE)).toBe(false);
  expect(isOlder(OLDEST_NODE, engines)).toBe(false);
});
