// @ts-check
// Pure: counts what the checks, vitest and pytest reported.

/**
 * @typedef {object} Tally
 * @property {number} passed
 * @property {readonly string[]} failed one name for each failure
 * @property {readonly string[]} skipped names of the tests that did not run
 *
 * @typedef {object} VitestReport the part of vitest's JSON report that is read here
 * @property {readonly VitestFile[]} testResults
 *
 * @typedef {object} VitestFile
 * @property {string} name
 * @property {string} status
 * @property {readonly { fullName: string, status: string }[]} assertionResults
 */

/** @param {readonly { name: string, ok: boolean }[]} results @returns {Tally} */
export function tallyChecks(results) {
  return {
    passed: results.filter(({ ok }) => ok).length,
    failed: results.filter(({ ok }) => !ok).map(({ name }) => `check: ${name}`),
    skipped: [],
  };
}

/**
 * A file that fails without a failed test in it (it could not be loaded, a hook threw) is one failure; so is a runner that
 * ended badly and named nothing.
 * @param {VitestReport | null} report null where vitest left none
 * @param {number | null} exitCode null where a signal ended it
 * @returns {Tally}
 */
export function tallyVitest(report, exitCode) {
  const files = report?.testResults ?? [];
  const tests = files.flatMap((file) =>
    file.assertionResults.map(({ fullName, status }) => ({ name: `${file.name}: ${fullName}`, status })),
  );
  const failedFiles = files.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'),
  );
  return withCrash('vitest', report !== null && exitCode === 0, {
    passed: tests.filter(({ status }) => status === 'passed').length,
    failed: [
      ...tests.filter(({ status }) => status === 'failed').map(({ name }) => name),
      ...failedFiles.map(({ name }) => name),
    ],
    skipped: tests.filter(({ status }) => status !== 'passed' && status !== 'failed').map(({ name }) => name),
  });
}

/**
 * Reads pytest's JUnit file, which escapes every `<` and `>` of its own text.
 * @param {string | null} junitXml null where pytest left none
 * @param {number | null} exitCode null where a signal ended it
 * @returns {Tally}
 */
export function tallyPytest(junitXml, exitCode) {
  const cases = [...(junitXml ?? '').matchAll(/<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)].map(
    ([, attributes = '', body = '']) => ({
      name: `${attribute(attributes, 'classname')}: ${attribute(attributes, 'name')}`,
      status: /<(failure|error)\b/.test(body) ? 'failed' : /<skipped\b/.test(body) ? 'skipped' : 'passed',
    }),
  );
  const named = (/** @type {string} */ wanted) =>
    cases.filter(({ status }) => status === wanted).map(({ name }) => name);
  return withCrash('pytest', junitXml !== null && exitCode === 0, {
    passed: named('passed').length,
    failed: named('failed'),
    skipped: named('skipped'),
  });
}

/**
 * One tally of several; where nothing may be skipped, what was skipped has failed.
 * @param {readonly Tally[]} tallies
 * @param {{ skippedFails: boolean }} rule
 * @returns {Tally}
 */
export function sumTallies(tallies, { skippedFails }) {
  const skipped = tallies.flatMap((tally) => tally.skipped);
  return {
    passed: tallies.reduce((sum, tally) => sum + tally.passed, 0),
    failed: [
      ...tallies.flatMap((tally) => tally.failed),
      ...(skippedFails ? skipped.map((name) => `skipped: ${name}`) : []),
    ],
    skipped: skippedFails ? [] : skipped,
  };
}

/** The last line of `npm test`. @param {Tally} tally */
export function lastLine({ passed, failed }) {
  return `${passed} passed, ${failed.length} failed`;
}

/** @param {string} runner @param {boolean} endedWell @param {Tally} tally @returns {Tally} */
function withCrash(runner, endedWell, tally) {
  const silent = !endedWell && tally.failed.length === 0;
  return silent ? { ...tally, failed: [`${runner} itself failed; its words are above`] } : tally;
}

/** @param {string} attributes @param {string} name */
function attribute(attributes, name) {
  const text = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(attributes)?.[1] ?? '';
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}
