// Who may import whom, and why.
const OURS =
  '^(contracts|policy|weights|inference|metrics|activities|adapters|client|workflows|workers|configs|drills|cli|web|dashboards|scripts|test)/';

/** `folder` may value-import only the listed folders of ours, and itself. `import type` is judged by its own rules. */
const only = (folder, allowed, comment) => ({
  name: `${folder}-reaches-only`,
  severity: 'error',
  comment,
  from: { path: `^${folder}/` },
  to: {
    path: OURS,
    pathNot: [folder, ...allowed].map((path) => `^${path}(/|$)`),
    dependencyTypesNot: ['type-only'],
  },
});

/** `folder` may not even name the types of these folders of ours. */
const neverTypes = (folder, allowed, comment) => ({
  name: `${folder}-knows-only`,
  severity: 'error',
  comment,
  from: { path: `^${folder}/` },
  to: { path: OURS, pathNot: [folder, ...allowed].map((path) => `^${path}(/|$)`) },
});

const noTemporal = (folder) => ({
  name: `${folder}-no-temporal`,
  severity: 'error',
  comment: `${folder}/ must run with no Temporal installed.`,
  from: { path: `^${folder}/` },
  to: { path: 'node_modules/@temporalio/' },
});

const noNode = (path, name, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path },
  to: { dependencyTypes: ['core'] },
});

/** The package has its value imports in these places only. */
const home = (name, packagePath, places, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: OURS, pathNot: places },
  to: { path: `node_modules/${packagePath}/`, dependencyTypesNot: ['type-only'] },
});

const PORTS = 'activities/(training-)?ports([.]ts)?';
const MESSAGES = 'workflows/[^/]+[.]messages[.]ts';
/**
 * `regraft up` and `regraft worker` host workers; reports and curves are read from the store's run records; `regraft recycle`
 * and `regraft delta` are the engine alone.
 */
const CLI_REACHES = ['client', 'contracts', 'configs', 'workers', 'drills', 'adapters/store', 'weights', 'web'];
const EVERYTHING_BELOW_WORKERS = [
  ...['contracts', 'policy', 'weights', 'inference', 'metrics', 'workflows', 'activities', 'adapters'],
  ...['client', 'configs', 'web', 'dashboards'],
];

export default {
  forbidden: [
    only('contracts', [], 'The shared language depends on nothing of ours.'),
    only('policy', ['contracts'], 'Decisions see only the language.'),
    only('weights', [], 'The engine could be published alone.'),
    only('inference', ['weights'], 'Scores a model straight from its safetensors files; could be published alone.'),
    only('metrics', [], 'Names and units only.'),
    only('workflows', ['contracts', 'policy'], 'Workflows orchestrate decisions; activities are types to them.'),
    only(
      'activities',
      ['contracts', 'policy', 'weights', 'inference', 'metrics'],
      'Activities reach the world through ports, not adapters.',
    ),
    only('adapters', ['contracts', 'weights', 'inference'], 'Adapters implement ports; they know no workflow.'),
    only('client', ['contracts', MESSAGES], 'The one door to Temporal: message definitions and types.'),
    only('configs', ['contracts'], 'Reading a file needs only the schema.'),
    only('cli', CLI_REACHES, 'Commands parse, call the client, print; two of them host workers.'),
    only(
      'web',
      ['adapters', 'client', 'contracts', 'policy'],
      'What comes over HTTP goes through the same door as the CLI.',
    ),
    only('dashboards', ['metrics'], 'Panels may name only metrics that exist.'),
    only(
      'drills',
      ['contracts', 'policy', 'adapters', 'client', 'workers'],
      'Drills compose real places and break them from outside; activities and workflows are types to them.',
    ),
    only('workers', EVERYTHING_BELOW_WORKERS, 'Composition roots reach everything but the faces above them.'),
    neverTypes('contracts', [], 'The shared language depends on nothing of ours, types included.'),
    neverTypes('policy', ['contracts'], 'Decisions see only the language, types included.'),
    neverTypes('weights', [], 'Published alone, its types must come along.'),
    neverTypes('inference', ['weights'], 'Published alone, its types must come along.'),
    neverTypes('adapters', ['contracts', 'weights', 'inference', PORTS], 'Of activities, adapters know the ports.'),
    {
      name: 'test-is-a-leaf',
      severity: 'error',
      comment: 'Production code never imports test/; a script may, to record what the tests replay.',
      from: { pathNot: '^(test|scripts)/' },
      to: { path: '^test/' },
    },
    {
      name: 'drills-are-held-by-one-command',
      severity: 'error',
      comment: 'What breaks things on purpose is reached by `regraft drill` and by tests alone.',
      from: { pathNot: '^(drills/|cli/commands/drill[.]ts$|test/)' },
      to: { path: '^drills/' },
    },
    {
      name: 'scripts-are-a-leaf',
      severity: 'error',
      comment: 'Scripts tend the house; the house does not stand on them.',
      from: { path: OURS, pathNot: '^(scripts|test)/' },
      to: { path: '^scripts/' },
    },
    ...[
      'contracts',
      'policy',
      'weights',
      'inference',
      'metrics',
      'adapters',
      'configs',
      'cli',
      'web',
      'dashboards',
    ].map(noTemporal),
    noNode('^(contracts|policy|workflows)/', 'sandbox-no-node', 'Runs inside the workflow sandbox: no Node built-ins.'),
    noNode('^(weights|inference)/(?!io/)', 'engines-pure-outside-io', 'Kernels are pure: no Node built-ins.'),
    home(
      'workflow-sdk-home',
      '@temporalio/workflow',
      '^(workflows|test)/',
      'Workflow APIs only make sense in workflows/.',
    ),
    home('worker-sdk-home', '@temporalio/worker', '^(workers|test)/', 'Only workers/ hosts.'),
    home('client-sdk-home', '@temporalio/client', '^(client|workers|test)/', 'Only client/ dials.'),
    home(
      'activity-sdk-home',
      '@temporalio/activity',
      '^(activities|test)/',
      'Heartbeats and cancellation live in activities/.',
    ),
    home(
      'common-sdk-home',
      '@temporalio/common',
      '^(client|workers|activities|workflows|test)/',
      'Shared by those that speak Temporal, and by nobody else.',
    ),
    home('prometheus-home', 'prom-client', '^(metrics/registry[.]ts$|test/)', 'One registry makes every series.'),
    home('onnx-home', 'onnxruntime-node', '^(inference|test)/', 'The runtime has one home, so it can be replaced.'),
    {
      name: 'language-needs-only-zod',
      severity: 'error',
      comment: 'Whoever speaks the language carries its packages; the plain decisions carry none.',
      from: { path: '^contracts/' },
      to: { path: 'node_modules/', pathNot: 'node_modules/zod/' },
    },
    {
      name: 'policy-needs-no-package',
      severity: 'error',
      comment: 'A decision is plain arithmetic on plain values.',
      from: { path: '^policy/' },
      to: { path: 'node_modules/' },
    },
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'A cycle hides who owns what.',
      from: { path: OURS },
      to: { circular: true },
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      comment: 'An import that leads nowhere.',
      from: { path: OURS },
      to: { couldNotResolve: true },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      comment: 'Dead file: wire it or delete it.',
      from: { orphan: true, path: OURS, pathNot: '[.](test|d)[.]ts$|^scripts/[^/]+$|^cli/report/page/' },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|[.]regraft|[.]venv)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
