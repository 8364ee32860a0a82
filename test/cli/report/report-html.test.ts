import { beforeAll, describe, expect, it } from 'vitest';
import { buildReport } from '../../../cli/report/build-report.ts';
import { reportHtml } from '../../../cli/report/report-html.ts';
import { documentOf } from '../../support/chromium.ts';
import { concludedEntry, makeState, recordedRelease } from '../../support/report-values.ts';
import { makeArm } from '../../support/lineage-values.ts';

const recorded = recordedRelease();
const report = buildReport(makeState([recorded.entry]), [recorded]);

describe('the report page', () => {
  let shown = '';

  beforeAll(async () => {
    const failure = { code: 'TEST', message: '</script><script>document.title = "broken"</script>' };
    const entry = concludedEntry({ arms: [makeArm({ status: 'failed', failure })] });
    const failures = buildReport(makeState([entry]), [{ entry, record: null, runs: new Map() }]).failures;
    shown = await documentOf(await reportHtml({ ...report, failures }));
  });

  it('shows a row for each arm and two charts for the release, in a browser without a network', () => {
    const body = shown.slice(shown.indexOf('<main'), shown.indexOf('</main>'));
    expect(body.slice(0, body.indexOf('</table>')).match(/<tr/g)).toHaveLength(1 + report.arms.length);
    expect(body.match(/<canvas/g)).toHaveLength(2);
    expect(body).toContain('0.900 @50');
    expect(body).toContain('carried over from earlier releases');
  });

  it('shows text from the records as text', () => {
    expect(shown).toContain('<title>Regraft: tiny-sums</title>');
    expect(shown).toContain('&lt;/script&gt;&lt;script&gt;document.title');
  });

  it('fetches nothing', async () => {
    const html = await reportHtml(report);
    expect(html.match(/(?:src|href)\s*=\s*["'][^"']|url\(|@import/g)).toBeNull();
  });
});
