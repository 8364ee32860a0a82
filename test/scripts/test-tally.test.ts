import { describe, expect, it } from 'vitest';
import { lastLine, sumTallies, tallyChecks, tallyPytest, tallyVitest } from '../../scripts/lib/test-tally.mjs';

const file = (name: string, status: string, tests: Record<string, string>) => ({
  name,
  status,
  assertionResults: Object.entries(tests).map(([fullName, outcome]) => ({ fullName, status: outcome })),
});
const junit = (...cases: string[]) =>
  `<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest">${cases.join('')}</testsuite></testsuites>`;

describe('vitest', () => {
  it('counts tests, and names those that failed or were skipped', () => {
    const report = {
      testResults: [
        file('a.test.ts', 'failed', { adds: 'passed', subtracts: 'failed', divides: 'skipped' }),
        file('b.test.ts', 'passed', { multiplies: 'passed', roots: 'todo' }),
      ],
    };
    expect(tallyVitest(report, 1)).toEqual({
      passed: 2,
      failed: ['a.test.ts: subtracts'],
      skipped: ['a.test.ts: divides', 'b.test.ts: roots'],
    });
  });

  it('counts a file that could not be loaded as one failure', () => {
    const report = { testResults: [file('broken.test.ts', 'failed', {})] };
    expect(tallyVitest(report, 1).failed).toEqual(['broken.test.ts']);
  });

  it('counts a file whose hook threw after its tests passed as one failure', () => {
    const report = { testResults: [file('hook.test.ts', 'failed', { adds: 'passed' })] };
    expect(tallyVitest(report, 1)).toEqual({ passed: 1, failed: ['hook.test.ts'], skipped: [] });
  });

  it('fails when the runner left no report, whatever its exit code', () => {
    expect(tallyVitest(null, 0).failed).toHaveLength(1);
    expect(tallyVitest(null, null).failed).toHaveLength(1);
  });

  it('fails when the runner ended badly though every test passed', () => {
    const report = { testResults: [file('a.test.ts', 'passed', { adds: 'passed' })] };
    expect(tallyVitest(report, 1)).toEqual({
      passed: 1,
      failed: ['vitest itself failed; its words are above'],
      skipped: [],
    });
  });
});

describe('pytest', () => {
  it('counts cases, and takes an error in a fixture for a failure', () => {
    const xml = junit(
      '<testcase classname="tests.test_loss" name="test_falls" time="0.1" />',
      '<testcase classname="tests.test_loss" name="test_resumes[cpu]" time="0.1"><failure message="assert 1 &lt; 0">trace</failure></testcase>',
      '<testcase classname="tests.test_data" name="test_reads" time="0.0"><error message="fixture">trace</error></testcase>',
      '<testcase classname="tests.test_gpu" name="test_runs" time="0.0"><skipped type="pytest.skip" message="no GPU" /></testcase>',
    );
    expect(tallyPytest(xml, 1)).toEqual({
      passed: 1,
      failed: ['tests.test_loss: test_resumes[cpu]', 'tests.test_data: test_reads'],
      skipped: ['tests.test_gpu: test_runs'],
    });
  });

  it('is not misled by what a test printed or is called', () => {
    const xml = junit(
      '<testcase classname="c" name="test[&lt;failure&gt;]" time="0"><system-out>&lt;failure&gt; &lt;/testcase&gt;</system-out></testcase>',
      '<testcase classname="c" name="test_next" time="0" />',
    );
    expect(tallyPytest(xml, 0)).toEqual({ passed: 2, failed: [], skipped: [] });
  });

  it('fails when pytest collected nothing or crashed', () => {
    expect(tallyPytest(junit(), 5).failed).toHaveLength(1);
    expect(tallyPytest(null, 3).failed).toHaveLength(1);
  });
});

describe('the sum', () => {
  const checks = tallyChecks([
    { name: 'format', ok: true },
    { name: 'lint', ok: false },
  ]);
  const skipping = { passed: 4, failed: [], skipped: ['a.test.ts: divides'] };

  it('counts each check as one', () => {
    expect(checks).toEqual({ passed: 1, failed: ['check: lint'], skipped: [] });
  });

  it('names what was skipped on a desk', () => {
    const tally = sumTallies([checks, skipping], { skippedFails: false });
    expect(tally).toEqual({ passed: 5, failed: ['check: lint'], skipped: ['a.test.ts: divides'] });
    expect(lastLine(tally)).toBe('5 passed, 1 failed');
  });

  it('takes what was skipped for failed where nothing may be skipped', () => {
    const tally = sumTallies([checks, skipping], { skippedFails: true });
    expect(tally.failed).toEqual(['check: lint', 'skipped: a.test.ts: divides']);
    expect(lastLine(tally)).toBe('5 passed, 2 failed');
  });
});
