// Draws the report from the data in the page. Runs in a browser, from a file, with no network.
(() => {
  const { report, carried } = JSON.parse(document.getElementById('data').textContent);
  const COLORS = { iterative: '#0b84a5', direct: '#e08e0b', plain: '#8a63d2', auto: '#3c9d4e' };
  const main = document.getElementById('report');

  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };
  const score = (value) => value.toFixed(3);
  const swatch = (arm) => {
    const dot = element('span', { className: 'swatch' });
    dot.style.background = COLORS[arm] ?? 'gray';
    return dot;
  };

  const stepsOf = (target) => {
    if (target === null) return 'no target';
    const whose = target.reference.kind === 'previous' ? ` of ${target.reference.release}` : '';
    return target.steps === null ? `not reached${whose}` : `${target.steps}${whose}`;
  };

  const HEADS = ['release', 'arm', 'starts from', 'step 0', 'best', 'final', 'steps to target', 'saving', 'carried'];
  const cells = (arm) => [
    arm.release,
    element(
      'span',
      {},
      swatch(arm.arm),
      `${arm.arm}${arm.production ? ' *' : ''}${arm.sharedWith ? ` (as ${arm.sharedWith})` : ''}`,
    ),
    arm.sourceRelease === null ? 'the base' : `Δ of ${arm.sourceRelease}`,
    score(arm.curve[0].score),
    `${score(arm.best.score)} @${arm.best.step}`,
    score(arm.final.score),
    stepsOf(arm.target),
    arm.target === null || arm.target.saving === null ? '–' : `${Math.round(100 * arm.target.saving)} %`,
    arm.stepsCarried,
  ];

  const table = () => {
    const rows = report.arms.map((arm, index) => {
      const first = index > 0 && report.arms[index - 1].release !== arm.release;
      return element('tr', { className: first ? 'first' : '' }, ...cells(arm).map((cell) => element('td', {}, cell)));
    });
    const head = element('tr', {}, ...HEADS.map((name) => element('th', { textContent: name })));
    return element(
      'div',
      { className: 'scroll' },
      element('table', {}, element('thead', {}, head), element('tbody', {}, ...rows)),
    );
  };

  const chart = (arms, what, label) => {
    const steps = [...new Set(arms.flatMap(({ curve }) => curve.map(({ step }) => step)))].sort((a, b) => a - b);
    const values = arms.map(({ curve }) =>
      steps.map((step) => curve.find((point) => point.step === step)?.[what] ?? null),
    );
    const style = getComputedStyle(document.documentElement);
    const axis = { stroke: style.getPropertyValue('color'), grid: { stroke: '#8884' }, ticks: { stroke: '#8884' } };
    const box = element('div');
    const figure = element('figure', {}, element('figcaption', { textContent: label }), box);
    new uPlot(
      {
        width: 500,
        height: 240,
        // Scores share one scale; losses span decades.
        scales: { x: { time: false }, y: what === 'score' ? { range: [0, 1.02] } : { distr: 3 } },
        axes: [{ ...axis, label: 'fine-tuning step', labelSize: 20 }, axis],
        series: [
          { label: 'step' },
          ...arms.map(({ arm }) => ({ label: arm, stroke: COLORS[arm] ?? 'gray', width: 2, spanGaps: true })),
        ],
      },
      [steps, ...values],
      box,
    );
    return figure;
  };

  const list = (items) => element('ul', {}, ...items.map((item) => element('li', { textContent: item })));

  main.append(
    element('h1', { textContent: `${report.lineage}: fine-tune recycled over ${report.releases.length} releases` }),
    element('p', {
      className: 'quiet',
      textContent: `Score on suite ${report.suite}. * production arm. Target: the final score of plain at the same release; without a plain arm, of the release before. Saving: 1 − steps to target ÷ the steps that the target itself took. Carried: fine-tuning steps inside the Δ that the arm started from.`,
    }),
    table(),
    element('p', { textContent: carried }),
  );
  for (const { name } of report.releases) {
    const arms = report.arms.filter(({ release, sharedWith }) => release === name && sharedWith === null);
    if (arms.length === 0) continue;
    main.append(
      element('h2', { textContent: name }),
      element(
        'div',
        { className: 'charts' },
        chart(arms, 'score', 'Score by step'),
        chart(arms, 'loss', 'Evaluation loss by step, nats a token, logarithmic'),
      ),
    );
  }
  main.append(
    element('h2', { textContent: 'Published' }),
    report.published.length === 0
      ? element('p', { textContent: 'Nothing.' })
      : list(
          report.published.map(({ release, target, candidateDigest }) => `${release}: ${candidateDigest} → ${target}`),
        ),
  );
  if (report.failures.length > 0) {
    main.append(
      element('h2', { textContent: 'Failed' }),
      list(report.failures.map(({ release, arm, code, message }) => `${release} ${arm}: ${message} [${code}]`)),
    );
  }
  main.append(
    element('h2', { textContent: 'Where it came from' }),
    list([
      ...report.releases.map(({ name, digest }) => `${name}: ${digest}`),
      `dataset ${report.provenance.datasetDigests.join(', ')}`,
      `suite ${report.provenance.suiteDigests.join(', ')} by ${report.provenance.harnesses.join(', ')}`,
      `Regraft ${report.provenance.regraftVersions.join(', ')}`,
    ]),
  );
})();
