// @ts-check
import tseslint from 'typescript-eslint';

const CONFIG_FILES = ['*.config.ts', '*.config.mjs', '.dependency-cruiser.mjs'];

// Each room's list is whole: in a flat config the last `no-restricted-syntax` that fits a file replaces the others.
const SHAPE = [
  { selector: 'ExportDefaultDeclaration', message: 'Name what you export: the file is named after it.' },
  { selector: 'ExportAllDeclaration', message: 'List what you export: a door is narrow on purpose.' },
];
const ENVIRONMENT = {
  selector: "MemberExpression[object.name='process'][property.name='env']",
  message: 'Read the environment in a main of workers/ or cli/ and pass the value down.',
};
const CLOCK = {
  selector: "NewExpression[callee.name='Date'][arguments.length=0]",
  message: 'A decision is given the time; it does not look at a clock.',
};

const NO_PROCESS = 'Runs where there is no process; take the value as an input.';
const SANDBOX_GLOBALS = [
  { name: 'process', message: NO_PROCESS },
  { name: 'fetch', message: 'Side effects belong in activities/.' },
  { name: 'Buffer', message: 'Use Uint8Array: there is no Node here.' },
  { name: 'setInterval', message: "Use the workflow's own sleep and condition." },
];
const NO_RANDOM = {
  object: 'Math',
  property: 'random',
  message: 'Same inputs, same outcome: take a seed as an input.',
};
const NO_NOW = { object: 'Date', property: 'now', message: CLOCK.message };

/**
 * A disabled rule must say why, as in `-- reason`.
 * @type {import('eslint').Rule.RuleModule}
 */
const disableWithReason = {
  meta: { type: 'suggestion', schema: [], messages: { bare: 'Say why the rule is off: add `-- reason`.' } },
  create: (context) => ({
    Program() {
      for (const comment of context.sourceCode.getAllComments()) {
        if (/^\s*eslint-disable/.test(comment.value) && !/\s--\s+\S/.test(comment.value)) {
          context.report({ loc: comment.loc ?? { line: 1, column: 0 }, messageId: 'bare' });
        }
      }
    },
  }),
};

/** @type {import('eslint').Linter.RulesRecord} */
const size = {
  'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
  'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
  complexity: ['error', 12],
};

export default tseslint.config(
  { ignores: ['node_modules/', '.venv*/', '.regraft/', 'dist/', '**/generated/', 'test/golden/', 'test/histories/'] },
  // AssemblyScript, which its own compiler checks.
  { ignores: ['weights/kernel/'] },
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { house: { rules: { 'disable-with-reason': disableWithReason } } },
    rules: { 'house/disable-with-reason': 'error' },
  },
  {
    name: 'typescript',
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      ...size,
      eqeqeq: 'error',
      'no-console': 'error',
      'no-restricted-syntax': ['error', ...SHAPE, ENVIRONMENT],
      // `const { left, ...rest } = value` is how a key is left out.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
    },
  },
  {
    name: 'scripts and pages without types',
    files: ['**/*.{js,mjs}'],
    rules: {
      ...size,
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-unused-vars': ['error', { args: 'after-used', caughtErrors: 'all' }],
      'no-unreachable': 'error',
      'no-fallthrough': 'error',
      'no-dupe-keys': 'error',
      'no-restricted-syntax': ['error', ...SHAPE],
    },
  },
  {
    name: 'the environment is read here',
    files: ['workers/**/*.ts', 'cli/**/*.ts', 'scripts/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...SHAPE] },
  },
  {
    name: 'these talk to a terminal',
    files: ['cli/**/*.ts', 'workers/**/*.ts', 'scripts/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    name: 'workflows run in a sandbox',
    files: ['workflows/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...SANDBOX_GLOBALS],
      // Date.now is allowed: inside a workflow it is the recorded time.
      'no-restricted-properties': ['error', NO_RANDOM],
    },
  },
  {
    name: 'decisions are pure',
    files: ['policy/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...SANDBOX_GLOBALS,
        { name: 'setTimeout', message: 'A decision does not wait.' },
      ],
      'no-restricted-properties': ['error', NO_RANDOM, NO_NOW],
      'no-restricted-syntax': ['error', ...SHAPE, ENVIRONMENT, CLOCK],
    },
  },
  {
    name: 'kernels index typed arrays whose lengths they have checked; a guard on every element costs half the speed',
    files: ['weights/ops/*kernel*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    name: 'tests are long lists of claims, and a null where none is expected fails them anyway',
    files: ['test/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      'no-console': 'off',
      'no-restricted-syntax': ['error', ...SHAPE],
      '@typescript-eslint/no-non-null-assertion': 'off',
      // The matchers of `expect` are any by their own types.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      // Fakes stand in for ports that are asynchronous.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    name: 'tools read their configuration from a default export',
    files: CONFIG_FILES,
    rules: { 'no-restricted-syntax': 'off' },
  },
);
