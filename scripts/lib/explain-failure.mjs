// @ts-check

const CAUSES = [
  {
    pattern: /ENOSPC|No space left on device|Disk quota exceeded/i,
    sentence: 'the disk is full; make room and run it again.',
  },
  {
    pattern:
      /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|NewConnectionError|ConnectTimeoutError|Failed to establish a new connection|name resolution|network is unreachable/i,
    sentence: 'the package registry could not be reached; check the network or the proxy settings and run it again.',
  },
  {
    pattern: /SELF_SIGNED_CERT|UNABLE_TO_(GET|VERIFY)|CERTIFICATE_VERIFY_FAILED/i,
    sentence: "the package registry's certificate was not trusted; check the proxy's certificate settings.",
  },
  {
    pattern: /EACCES|EPERM|Permission denied/i,
    sentence: 'a file could not be written; check who owns this folder and run it again.',
  },
  {
    pattern: /EUSAGE|can only install packages when your package\.json/i,
    sentence: 'package-lock.json does not match package.json; run `npm install` and commit the lock file.',
  },
  {
    pattern: /No matching distribution found/i,
    sentence:
      'a pinned package has no build for this Python or platform; choose another interpreter with REGRAFT_PYTHON.',
  },
];

/**
 * One sentence on why an installer failed, from what it printed.
 * @param {string} what the step in words, such as "npm ci"
 * @param {string} output
 */
export function explainFailure(what, output) {
  const cause = CAUSES.find(({ pattern }) => pattern.test(output));
  return `${what} failed: ${cause?.sentence ?? 'its own words are above; mend what they name and run it again.'}`;
}
