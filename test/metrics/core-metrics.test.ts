import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CORE_METRICS } from '../../metrics/core-metrics.ts';

/** What a worker of SDK 1.24.0 showed after a workflow with two activities, one of which failed once. */
const RECORDED = readFileSync(new URL('../dashboards/core-exposition.txt', import.meta.url), 'utf8');

describe('the list of Temporal Core metrics', () => {
  it('names only metrics that a real worker showed, with kind and labels', () => {
    const listed = Object.entries(CORE_METRICS);
    expect(listed).toHaveLength(6);
    for (const [name, { kind, labels }] of listed) {
      expect(RECORDED).toContain(`# TYPE ${name} ${kind}\n`);
      const sample = RECORDED.split('\n').find((line) =>
        line.startsWith(kind === 'histogram' ? `${name}_sum{` : `${name}{`),
      );
      for (const label of labels) expect(sample).toMatch(new RegExp(`[{,]${label}="`));
    }
  });
});
