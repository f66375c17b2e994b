import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

interface Fixture {
  readonly path: string;
  readonly text: string;
  readonly isTyped?: boolean;
}

const ROOT = join(__dirname, '../..');
const CORE = 'streams/src/detectors/beacon.ts';
/** Rules that need types run only on a file that exists: its text is replaced in memory. */
const EXISTING = 'libs/contracts/src/clock.ts';
const DETERMINISTIC = 'protego/deterministic';

const expression = (code: string): string =>
  `/** x */\nexport const x = (at: Date, b: string): unknown => [at, b, ${code}];\n`;
const use = (name: string, module: string): string =>
  `import { ${name} } from '${module}';\n/** x */\nexport const x: unknown = ${name};\n`;

const CLOCKS = ['Date.now()', 'new Date()', 'Date()', 'performance.now()', 'process.hrtime()', "Date['now']()"];
const RANDOMNESS = [
  'Math.random()',
  "Math['random']()",
  'crypto.randomUUID()',
  'crypto.getRandomValues(new Uint8Array(1))',
];
const TIMERS = ['setTimeout(f, 1)', 'setInterval(f, 1)', 'setImmediate(f)', 'queueMicrotask(f)'];
const MACHINE = [
  'process.env',
  'process.cwd()',
  'navigator.language',
  "console.log('x')",
  "fetch('x')",
  ...['WebSocket', 'EventSource', 'BroadcastChannel'].map((name) => `new ${name}(b)`),
];
const LOCALE = [
  "b.localeCompare('x')",
  "b['localeCompare']('x')",
  'b.toLocaleLowerCase()',
  'b.toLocaleUpperCase()',
  'at.toLocaleString()',
  'at.toLocaleDateString()',
  'at.toLocaleTimeString()',
  'new Intl.Collator()',
];
const LOCAL_TIME = [
  ...['Date', 'Day', 'FullYear', 'Hours', 'Milliseconds', 'Minutes', 'Month', 'Seconds', 'TimezoneOffset', 'Year'].map(
    (part) => `at.get${part}()`,
  ),
  'at.setHours(1)',
  'at.toDateString()',
  'at.toTimeString()',
  'new Date(2026, 0, 1)',
  "new Date('2026-01-01T00:00')",
  'new Date(`${b}`)',
  "Date.parse('2026-01-01T00:00')",
];
const INDIRECT = [
  '[Date]',
  '[Math]',
  'globalThis.setTimeout',
  'global.process',
  "eval('1')",
  "Function('1')",
  "require('x')",
];
const GARBAGE = ['new WeakRef(at)', 'new FinalizationRegistry(() => undefined)'];

const MODULES = [
  ...'fs fs/promises net http http2 https dns tls dgram child_process worker_threads cluster os timers timers/promises'.split(
    ' ',
  ),
  ...'perf_hooks async_hooks process vm v8 module readline stream zlib'.split(' '),
].flatMap((module) => [module, `node:${module}`]);
const PACKAGES = [
  'nats',
  '@nestjs/common',
  '@nestjs/microservices',
  'rxjs/operators',
  'rxjs/ajax',
  'fastify',
  'prom-client',
];
const RXJS = [
  ...'bufferTime windowTime debounceTime auditTime sampleTime throttleTime delay delayWhen timer interval timeout'.split(
    ' ',
  ),
  ...'timeInterval timestamp asyncScheduler asapScheduler animationFrameScheduler queueScheduler observeOn'.split(' '),
  ...'subscribeOn groupBy shareReplay ReplaySubject distinct bufferCount windowCount scan fromEvent'.split(' '),
];
const ASYNC = [
  '/** x */\nexport async function x(): Promise<void> {}\n',
  '/** x */\nexport const x = async (): Promise<number> => 1;\n',
  '/** x */\nexport class X {\n  async y(): Promise<void> {}\n}\n',
  '/** x */\nexport const x = await y;\n',
  'for await (const x of y) x();\n',
  expression('Promise.resolve(1)'),
];
const EVASIONS = [
  `// eslint-disable-next-line protego/deterministic\n${use('readFileSync', 'node:fs')}`,
  `/* eslint-disable */\n${expression('Date.now()')}`,
  'const { now } = Date;\nnow();\n',
  'const { random } = Math;\nrandom();\n',
  'const Clock = Date;\nClock.now();\n',
  'const { getHours } = at;\ngetHours();\n',
  "const module = await import('node:fs');\nmodule.x();\n",
  "import clock = require('node:perf_hooks');\nclock.x();\n",
  "import * as all from 'node:crypto';\nall.x();\n",
  "import all from 'crypto';\nall.x();\n",
  "import * as rx from 'rxjs';\nrx.x();\n",
  "export { systemClock } from '@protego/contracts';\n",
  "import * as contracts from '@protego/contracts';\ncontracts.x();\n",
];

const refusedInCore: readonly string[] = [
  ...[CLOCKS, RANDOMNESS, TIMERS, MACHINE, LOCALE, LOCAL_TIME, INDIRECT, GARBAGE].flat().map(expression),
  ...[...MODULES, ...PACKAGES].map((module) => use('thing', module)),
  ...RXJS.map((name) => use(name, 'rxjs')),
  ...['randomBytes', 'randomUUID', 'getRandomValues', 'randomInt', 'webcrypto'].map((name) => use(name, 'node:crypto')),
  use('systemClock', '@protego/contracts'),
  ...EVASIONS,
];

const CLEAN_CORE = `import { createHash, type Hash } from 'node:crypto';
import { filter, map, type OperatorFunction } from 'rxjs';
import { formatRfc3339, type Clock } from '@protego/contracts';

/** Counts what is above zero. */
export function positive(clock: Clock | undefined): OperatorFunction<number, string> {
  const hash: Hash = createHash('sha256');
  const day = new Date(0).getUTCDay() + Date.UTC(2026, 0, 1) + Math.max(1, 2);
  const isDate = (value: unknown): value is Date => value instanceof Date;
  return (source) =>
    source.pipe(
      filter((value) => value > 0 && !isDate(clock)),
      map((value) => formatRfc3339(value) + hash.digest('hex') + String(day)),
    );
}
`;
const doc = '/** x */\n';

/** Everywhere in the product: the rule that must answer, and a text that it must refuse. */
const HOUSE: readonly (readonly [rule: string, fixture: Fixture])[] = [
  ['protego/named-door', { path: 'libs/sources/src/index.ts', text: "export * from './zeek';\n" }],
  ['protego/named-door', { path: 'streams/src/index.ts', text: "export * as zeek from './zeek';\n" }],
  ['protego/no-default-export', { path: 'libs/sources/src/zeek.ts', text: `${doc}export default class Zeek {}\n` }],
  ['protego/no-default-export', { path: 'libs/sources/src/zeek.ts', text: 'const x = 1;\nexport { x as default };\n' }],
  ['protego/documented-exports', { path: 'apps/cli/src/x.ts', text: 'export const x = 1;\n' }],
  ['protego/documented-exports', { path: 'apps/cli/src/x.ts', text: '// x\nexport function x(): void {}\n' }],
  ['protego/documented-exports', { path: 'apps/cli/src/x.ts', text: 'export interface X {\n  y: 1;\n}\n' }],
  ['protego/documented-exports', { path: 'apps/cli/src/x.ts', text: 'export type X = 1;\n' }],
  ['protego/documented-exports', { path: 'apps/cli/src/x.ts', text: '@Injectable()\nexport class X {}\n' }],
  ['protego/documented-exports', { path: 'apps/cli/src/x.ts', text: 'const x = 1;\nexport { x };\n' }],
  ...['describe', 'it', 'test'].flatMap((name) =>
    ['only', 'skip', 'todo'].map(
      (how) =>
        [
          'protego/no-partial-tests',
          { path: 'tests/x.spec.ts', text: `${name}.${how}('x', () => undefined);\n` },
        ] as const,
    ),
  ),
  ['protego/no-partial-tests', { path: 'tests/x.spec.ts', text: `${'it'}.only.each([1])('x', () => undefined);\n` }],
  ['protego/no-partial-tests', { path: 'tests/x.spec.ts', text: "xit('x', () => undefined);\n" }],
  ['protego/error-message', { path: 'apps/cli/src/x.ts', text: "throw new ProtegoError('INTERNAL', 'It broke');\n" }],
  ['protego/error-message', { path: 'apps/cli/src/x.ts', text: "throw new ProtegoError('INTERNAL', 'it broke.');\n" }],
  ['protego/file-name', { path: 'apps/cli/src/utils/x.ts', text: '' }],
  ['protego/file-name', { path: 'apps/cli/src/helpers.ts', text: '' }],
  ['protego/file-name', { path: 'libs/common/src/x.ts', text: '' }],
  ['protego/file-name', { path: 'apps/cli/src/windowManager.ts', text: '' }],
  ['max-lines', { path: 'apps/cli/src/x.ts', text: '\n'.repeat(451) }],
  [
    'max-lines-per-function',
    { path: 'apps/cli/src/x.ts', text: `${doc}export function x(): void {${'\n'.repeat(71)}}\n` },
  ],
  ['no-console', { path: 'libs/sources/src/x.ts', text: "console.log('x');\n" }],
  ['no-warning-comments', { path: 'libs/sources/src/x.ts', text: `// ${'todo'.toUpperCase()}: mend\n` }],
  ['eqeqeq', { path: 'libs/sources/src/x.ts', text: 'if (a == b) c();\n' }],
  [
    '@typescript-eslint/no-explicit-any',
    { path: 'libs/sources/src/x.ts', text: `${doc}export const x = (y: any): void => y();\n` },
  ],
  ['@typescript-eslint/no-unused-vars', { path: 'libs/sources/src/x.ts', text: 'const x = 1;\n' }],
  [
    '@typescript-eslint/consistent-type-imports',
    { path: 'libs/sources/src/x.ts', text: `import { X } from './y';\n${doc}export const x = (y: X): X => y;\n` },
  ],
  ['@typescript-eslint/no-floating-promises', { path: EXISTING, text: 'Promise.resolve(1);\n', isTyped: true }],
  [
    '@typescript-eslint/no-misused-promises',
    { path: EXISTING, text: '[1].forEach(async () => Promise.resolve());\n', isTyped: true },
  ],
  [
    '@typescript-eslint/await-thenable',
    { path: EXISTING, text: `${doc}export const x = async () => await 1;\n`, isTyped: true },
  ],
  ['@typescript-eslint/only-throw-error', { path: EXISTING, text: "throw 'x';\n", isTyped: true }],
  [
    '@typescript-eslint/switch-exhaustiveness-check',
    { path: EXISTING, text: "declare const x: 'a' | 'b';\nswitch (x) {\n  case 'a':\n}\n", isTyped: true },
  ],
];

const CLEAN: readonly Fixture[] = [
  { path: CORE, text: CLEAN_CORE },
  { path: 'streams/src/detectors/beacon.spec.ts', text: use('readFileSync', 'node:fs') },
  { path: 'streams/src/testing/index.ts', text: expression('Date.now()') },
  { path: 'libs/event-log/src/segment.ts', text: use('openSync', 'node:fs') + 'setTimeout(x as never, Date.now());\n' },
  { path: 'libs/replay/src/session.ts', text: `${doc}export const x = async (): Promise<void> => await y();\n` },
  { path: 'libs/replay/src/session.ts', text: use('lastValueFrom', 'rxjs') },
  { path: 'libs/sources/src/index.ts', text: "export { zeek, type Zeek } from './zeek';\n" },
  {
    path: 'apps/cli/src/x.ts',
    text: `${doc}export function x(a: 1): void;\nexport function x(a: number): void {\n  y(a);\n}\n`,
  },
  { path: 'apps/cli/src/x.ts', text: `${doc}@Injectable()\nexport class X {}\n` },
  { path: 'apps/cli/src/x.ts', text: `${doc}const x = 1;\nexport { x };\n` },
  { path: 'apps/cli/src/x.ts', text: "throw new ProtegoError('INTERNAL', 'it broke at `X`');\n" },
  { path: 'tests/x.spec.ts', text: "describe('x', () => it.each([1])('y', () => undefined));\n" },
  { path: EXISTING, text: 'void Promise.resolve(1);\n', isTyped: true },
];

function lint(fixtures: readonly Fixture[]): string[][] {
  const run = spawnSync(process.execPath, [join(__dirname, 'lint-fixtures.mjs')], {
    cwd: ROOT,
    input: JSON.stringify(fixtures),
    encoding: 'utf8',
  });
  if (run.status !== 0) throw new Error(run.stderr);
  return JSON.parse(run.stdout) as string[][];
}

const cases: readonly { readonly rule: string; readonly fixture: Fixture }[] = [
  ...[...refusedInCore, ...ASYNC].map((text) => ({ rule: DETERMINISTIC, fixture: { path: CORE, text } })),
  ...HOUSE.map(([rule, fixture]) => ({ rule, fixture })),
];
const DETERMINISTIC_LIBS = ['libs/risk/src/x.ts', 'libs/compliance/src/x.ts', 'libs/replay/src/x.ts'];
const libFixtures = DETERMINISTIC_LIBS.flatMap((path) => refusedInCore.map((text) => ({ path, text })));

describe('lint rules', () => {
  let found: string[][] = [];
  beforeAll(() => {
    found = lint([...cases.map(({ fixture }) => fixture), ...CLEAN, ...libFixtures]);
  }, 120_000);

  it.each(cases.map(({ rule, fixture }, index) => [rule, fixture.path, fixture.text.slice(0, 120), index] as const))(
    '%s refuses in %s: %j',
    (rule, _path, _text, index) => expect(found[index]).toContain(rule),
  );

  it.each(CLEAN.map(({ path, text }, index) => [path, text.slice(0, 80), cases.length + index] as const))(
    'nothing is refused in %s: %j',
    (_path, _text, index) => expect(found[index]).toEqual([]),
  );

  it.each(DETERMINISTIC_LIBS)('%s is refused what the core is refused, apart from async', (lib) => {
    const missed = libFixtures.filter(
      ({ path }, index) => path === lib && !found[cases.length + CLEAN.length + index]?.includes(DETERMINISTIC),
    );
    expect(missed).toEqual([]);
  });
});
