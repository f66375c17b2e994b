/** One project per kind of test, so that `npm test` can run the quick ones first and name what failed. */
const shared = {
  testEnvironment: 'node',
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        sourceMaps: 'inline',
        module: { type: 'commonjs' },
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
      },
    ],
  },
  moduleNameMapper: {
    '^@protego/streams$': '<rootDir>/streams/src',
    '^@protego/streams/(.*)$': '<rootDir>/streams/src/$1',
    '^@protego/([^/]+)/(nest|testing|standalone)$': '<rootDir>/libs/$1/src/$2',
    '^@protego/([^/]+)$': '<rootDir>/libs/$1/src',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.cache/'],
};
module.exports = {
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['<rootDir>/{apps,bench,eval,libs,streams,scripts,tests}/**/*.spec.ts'],
      testPathIgnorePatterns: ['\\.(int|load|golden|conformance)\\.spec\\.ts$'],
    },
    { ...shared, displayName: 'integration', testMatch: ['<rootDir>/{apps,libs,tests}/**/*.int.spec.ts'] },
    { ...shared, displayName: 'load', testMatch: ['<rootDir>/tests/**/*.load.spec.ts'] },
    { ...shared, displayName: 'conformance', testMatch: ['<rootDir>/{libs,streams,tests}/**/*.conformance.spec.ts'] },
    { ...shared, displayName: 'golden', testMatch: ['<rootDir>/tests/**/*.golden.spec.ts'] },
  ],
};
