import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

interface Cruise {
  readonly summary: {
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string };
    }[];
    readonly ruleSetUsed: { readonly forbidden: readonly { readonly name: string }[] };
  };
}

const ROOT = join(__dirname, '../..');
const CONFIG = join(ROOT, '.dependency-cruiser.cjs');
const CRUISER = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');

/** For each lib, every other part of the house that it must not use; what is left over it may use. */
const REFUSED: Readonly<Record<string, string>> = {
  contracts:
    'enclave sources sequence-model risk compliance simulation artefacts plots event-log access replay streams apps',
  enclave: 'sources sequence-model risk compliance simulation artefacts plots event-log access replay streams apps',
  sources: 'enclave sequence-model risk compliance simulation artefacts plots event-log access replay streams apps',
  'sequence-model': 'enclave sources risk compliance simulation artefacts plots event-log access replay streams apps',
  risk: 'enclave sources sequence-model compliance simulation artefacts plots event-log access replay streams apps',
  compliance: 'enclave sources sequence-model risk simulation artefacts plots event-log access replay streams apps',
  simulation: 'enclave sources sequence-model risk compliance artefacts plots event-log access replay streams apps',
  artefacts: 'enclave sources sequence-model risk compliance simulation event-log access plots replay streams apps',
  'event-log': 'sources sequence-model risk compliance simulation artefacts plots access replay streams apps',
  access: 'sources sequence-model risk compliance simulation artefacts plots event-log replay streams apps',
  plots:
    'contracts enclave sources sequence-model risk compliance simulation artefacts event-log access replay streams apps',
  replay: 'sources simulation artefacts apps',
  streams: 'enclave sources sequence-model risk compliance simulation artefacts plots event-log access replay apps',
};
const PARTS = Object.keys(REFUSED);
const refusedBy = (part: string): string[] => (REFUSED[part] ?? '').split(' ');

const folderOf = (part: string): string => (part === 'streams' || part === 'apps' ? part : `libs/${part}`);
const doorOf = (part: string): string => (part === 'apps' ? 'apps/cli/src/main.ts' : `${folderOf(part)}/src/index.ts`);
const moduleOf = (part: string, from: string): string =>
  part === 'apps' ? relative(dirname(from), 'apps/cli/src/main') : `@protego/${part}`;
const importing = (module: string): string => `import { it } from '${module}';\nvoid it;\n`;

/** A house in which every part may be imported and imports nothing. */
function emptyHouse(): Record<string, string> {
  const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8')) as {
    compilerOptions: { paths: unknown };
  };
  const tsconfig = { compilerOptions: { baseUrl: '.', paths: compilerOptions.paths } };
  const packages = { name: 'house', dependencies: { runs: '1.0.0' }, devDependencies: { checks: '1.0.0' } };
  const files: Record<string, string> = {
    'tsconfig.json': JSON.stringify(tsconfig),
    'package.json': JSON.stringify(packages),
  };
  for (const name of ['runs', 'checks', 'stray']) {
    files[`node_modules/${name}/package.json`] = JSON.stringify({ name, version: '1.0.0', main: 'index.js' });
    files[`node_modules/${name}/index.js`] = 'exports.it = 1;\n';
  }
  for (const part of [...PARTS, 'apps']) {
    files[doorOf(part)] = 'export const it = 1;\n';
    files[`${folderOf(part)}/src/inner/part.ts`] = 'export const it = 1;\n';
    files[`${folderOf(part)}/src/testing/index.ts`] = 'export const it = 1;\n';
    files[`${folderOf(part)}/src/nest/index.ts`] = 'export const it = 1;\n';
  }
  return files;
}

function cruise(files: Readonly<Record<string, string>>): Cruise['summary'] {
  const directory = mkdtempSync(join(tmpdir(), 'protego-layers-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), text);
    }
    const args = [CRUISER, '--config', CONFIG, '--output-type', 'json', 'apps', 'libs', 'streams', 'tests'];
    const run = spawnSync(process.execPath, args, { cwd: directory, encoding: 'utf8', maxBuffer: 1 << 28 });
    if (!run.stdout.startsWith('{')) throw new Error(run.stderr);
    return (JSON.parse(run.stdout) as Cruise).summary;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const layerCases = PARTS.flatMap((part) =>
  refusedBy(part).map((other) => {
    const from = `${folderOf(part)}/src/uses-${other}.ts`;
    return { rule: `layer-${part}`, from, text: importing(moduleOf(other, from)) };
  }),
);
const deepCases = [
  { rule: 'door-between-libs', from: 'libs/replay/src/deep.ts', text: importing('../../event-log/src/inner/part') },
  { rule: 'door-of-libs', from: 'apps/cli/src/deep.ts', text: importing('../../../libs/event-log/src/inner/part') },
  { rule: 'door-of-libs', from: 'streams/src/deep.ts', text: importing('../../libs/contracts/src/inner/part') },
  { rule: 'door-of-libs', from: 'tests/deep.spec.ts', text: importing('../libs/contracts/src/inner/part') },
  { rule: 'door-of-streams', from: 'apps/cli/src/deep-streams.ts', text: importing('@protego/streams/inner/part') },
  { rule: 'door-of-streams', from: 'libs/replay/src/deep-streams.ts', text: importing('@protego/streams/inner/part') },
  { rule: 'layer-apps', from: 'apps/engine/src/other.ts', text: importing('../../cli/src/main') },
  { rule: 'layer-unlisted', from: 'libs/brand-new/src/index.ts', text: importing('@protego/contracts') },
];
const hygieneCases = [
  { rule: 'no-cycle', from: 'libs/sources/src/a.ts', text: "import type { B } from './b';\nexport type A = B;\n" },
  { rule: 'no-test-code-in-product', from: 'libs/replay/src/kit.ts', text: importing('@protego/event-log/testing') },
  { rule: 'no-test-code-in-product', from: 'libs/replay/src/spec.ts', text: importing('./kit.spec') },
  { rule: 'no-dev-dependency-in-product', from: 'libs/sources/src/check.ts', text: importing('checks') },
  { rule: 'no-unlisted-package', from: 'libs/sources/src/stray.ts', text: importing('stray') },
  { rule: 'no-unresolvable', from: 'libs/sources/src/nowhere.ts', text: importing('./nowhere-at-all') },
];
const cases = [...layerCases, ...deepCases, ...hygieneCases];

/** Every import that the layer table allows, and what tests may do. */
const clean: Readonly<Record<string, string>> = Object.fromEntries([
  ...PARTS.flatMap((part) =>
    PARTS.filter((other) => other !== part && !refusedBy(part).includes(other)).map((other) => [
      `${folderOf(part)}/src/uses-${other}.ts`,
      importing(`@protego/${other}`),
    ]),
  ),
  ...PARTS.map((part) => [`apps/engine/src/uses-${part}.ts`, importing(`@protego/${part}`)]),
  ['apps/engine/src/wiring.ts', importing('@protego/event-log/nest')],
  ['apps/engine/src/wiring.spec.ts', importing('@protego/event-log/testing') + importing('checks')],
  ['apps/engine/src/run.ts', importing('runs') + "import { join } from 'node:path';\nvoid join;\n"],
  ['libs/replay/src/inside.ts', importing('./inner/part')],
  ['tests/whole.spec.ts', importing('@protego/streams/testing') + importing('@protego/replay')],
]);

describe('layer rules', () => {
  let refused: Cruise['summary'];
  beforeAll(() => {
    const files = Object.fromEntries(cases.map(({ from, text }) => [from, text]));
    refused = cruise({
      ...emptyHouse(),
      'libs/sources/src/b.ts': "import type { A } from './a';\nexport type B = A;\n",
      'libs/replay/src/kit.spec.ts': 'export const it = 1;\n',
      ...files,
    });
  }, 60_000);

  it.each(cases.map(({ rule, from, text }) => [rule, from, text] as const))('%s refuses in %s: %j', (rule, from) => {
    const rules = refused.violations
      .filter((violation) => violation.from === from)
      .map((violation) => violation.rule.name);
    expect(rules).toContain(rule);
  });

  it('has a fixture for every rule of the configuration, and refuses nothing else', () => {
    const configured = refused.ruleSetUsed.forbidden.map(({ name }) => name);
    expect([...new Set(cases.map(({ rule }) => rule))].sort()).toEqual([...configured].sort());
    const expected = new Set([...cases.map(({ from }) => from), 'libs/sources/src/b.ts']);
    expect(refused.violations.filter(({ from }) => !expected.has(from))).toEqual([]);
  });

  it('allows every import of the layer table', () => {
    expect(cruise({ ...emptyHouse(), ...clean }).violations).toEqual([]);
  }, 60_000);
});
