import js from '@eslint/js';
import tseslint from 'typescript-eslint';
import { protego } from './scripts/eslint/plugin.mjs';

const SPECS = ['**/*.spec.ts', '**/testing/**', 'tests/**'];
const NODE_GLOBALS = Object.fromEntries(
  [
    'process',
    'console',
    'Buffer',
    'setTimeout',
    'clearTimeout',
    'setInterval',
    'clearInterval',
    'URL',
    'performance',
  ].map((name) => [name, 'readonly']),
);

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.cache/', '.protego/', 'coverage/', 'replay-data/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    plugins: { protego },
    extends: [js.configs.recommended],
    rules: {
      eqeqeq: 'error',
      'max-lines': ['error', { max: 450 }],
      'max-lines-per-function': ['error', { max: 70 }],
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'] }],
      'protego/file-name': 'error',
      'protego/named-door': 'error',
      'protego/no-partial-tests': 'error',
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'protego/documented-exports': 'error',
      'protego/error-message': 'error',
    },
  },
  {
    files: ['libs/**/*.ts', 'streams/**/*.ts'],
    rules: { 'no-console': 'error', 'protego/no-default-export': 'error' },
  },
  {
    // The core is what every proof rests on: no comment may excuse a line of it.
    files: ['streams/**/*.ts', 'libs/{risk,compliance,replay}/**/*.ts'],
    ignores: SPECS,
    linterOptions: { noInlineConfig: true },
  },
  { files: ['streams/**/*.ts'], ignores: SPECS, rules: { 'protego/deterministic': ['error', { async: 'forbid' }] } },
  {
    files: ['libs/{risk,compliance,replay}/**/*.ts'],
    ignores: SPECS,
    // These read the log, which is asynchronous; the pipeline that they drive is not.
    rules: { 'protego/deterministic': ['error', { async: 'allow' }] },
  },
  {
    files: SPECS,
    rules: { 'max-lines-per-function': 'off', 'no-console': 'off', 'protego/documented-exports': 'off' },
  },
  { files: ['**/*.{mjs,cjs}'], languageOptions: { globals: NODE_GLOBALS } },
  {
    files: ['**/*.cjs'],
    languageOptions: { sourceType: 'commonjs', globals: { __dirname: 'readonly', __filename: 'readonly' } },
  },
);
