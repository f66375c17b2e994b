/** Which libs each lib may use, beside itself. A lib that is not listed is refused until it is. */
const ALLOWED_LIBS = {
  contracts: [],
  enclave: ['contracts'],
  sources: ['contracts'],
  'sequence-model': ['contracts'],
  risk: ['contracts'],
  compliance: ['contracts'],
  simulation: ['contracts'],
  artefacts: ['contracts'],
  plots: [],
  'event-log': ['contracts', 'enclave'],
  access: ['contracts', 'enclave'],
  replay: ['contracts', 'enclave', 'event-log', 'access', 'sequence-model', 'risk', 'compliance', 'plots'],
};
/** Libs that may use `streams/`; applications may as well. */
const USERS_OF_STREAMS = ['replay'];

const DOORS = '(index|nest/index|testing/index|standalone/index)\\.ts$';
const TEST_CODE = '(\\.spec\\.ts$|/testing/|^(bench|eval|tests)/)';

function libRule([lib, allowed]) {
  const others = USERS_OF_STREAMS.includes(lib) ? '^apps/' : '^(apps|streams)/';
  return {
    name: `layer-${lib}`,
    severity: 'error',
    comment: `${lib} may use ${allowed.join(', ') || 'no other lib'}`,
    from: { path: `^libs/${lib}/` },
    to: { path: [`^libs/(?!(${[lib, ...allowed].join('|')})/)`, others] },
  };
}

const LAYER_RULES = [
  ...Object.entries(ALLOWED_LIBS).map(libRule),
  {
    name: 'layer-unlisted',
    severity: 'error',
    comment: 'name a new lib in the layer table, with what it may use',
    from: { path: `^libs/(?!(${Object.keys(ALLOWED_LIBS).join('|')})/)` },
    to: { path: '^(libs|streams|apps)/' },
  },
  {
    name: 'layer-streams',
    severity: 'error',
    comment: 'the deterministic core knows contracts only',
    from: { path: '^streams/' },
    to: { path: ['^libs/(?!contracts/)', '^apps/'] },
  },
  {
    name: 'layer-apps',
    severity: 'error',
    comment: 'what two applications need becomes a lib',
    from: { path: '^apps/([^/]+)/' },
    to: { path: '^apps/', pathNot: '^apps/$1/' },
  },
];

const DOOR_RULES = [
  {
    name: 'door-between-libs',
    severity: 'error',
    comment: 'a lib is entered by index, nest, testing, or standalone: what runs with Node alone',
    from: { path: '^libs/([^/]+)/' },
    to: { path: '^libs/', pathNot: ['^libs/$1/', `^libs/[^/]+/src/${DOORS}`] },
  },
  {
    name: 'door-of-libs',
    severity: 'error',
    comment: 'a lib is entered by index, nest or testing',
    from: { path: '^(apps|bench|eval|streams|tests|scripts)/' },
    to: { path: '^libs/', pathNot: `^libs/[^/]+/src/${DOORS}` },
  },
  {
    name: 'door-of-streams',
    severity: 'error',
    comment: 'streams is entered by index or testing',
    from: { path: '^(apps|bench|eval|libs|tests|scripts)/' },
    to: { path: '^streams/', pathNot: `^streams/src/${DOORS}` },
  },
];

const HYGIENE_RULES = [
  {
    name: 'no-cycle',
    severity: 'error',
    comment: 'modules that need each other are one module or lack a third',
    from: {},
    to: { circular: true },
  },
  {
    name: 'no-test-code-in-product',
    severity: 'error',
    comment: 'specs and test kits are not part of the build',
    from: { path: '^(apps|libs|streams)/', pathNot: TEST_CODE },
    to: { path: TEST_CODE },
  },
  {
    name: 'no-dev-dependency-in-product',
    severity: 'error',
    comment: 'a package that the product needs at run time belongs in `dependencies`',
    from: { path: '^(apps|libs|streams)/', pathNot: TEST_CODE },
    to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'no-unlisted-package',
    severity: 'error',
    comment: 'a package that package.json does not name may vanish with the one that brought it',
    from: {},
    to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
  },
  {
    name: 'no-unresolvable',
    severity: 'error',
    comment: 'every import leads somewhere',
    from: {},
    to: { couldNotResolve: true },
  },
];

module.exports = {
  forbidden: [...LAYER_RULES, ...DOOR_RULES, ...HYGIENE_RULES],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    // Types that cross a border bind as much as values do.
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|coverage)/' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.json'],
      conditionNames: ['import', 'require', 'node', 'default'],
      exportsFields: ['exports'],
    },
  },
};
