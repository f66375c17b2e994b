// `npm test [-- STAGE…]`: sets up what is missing, then runs every stage and says at the end how many tests ran.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ROOT, SetupError, build, ensureDependencies, main, requireNode, run } from './setup.mjs';

const CRUISED = ['apps', 'bench', 'eval', 'libs', 'scripts', 'streams', 'tests'];
const REPORTS = path.join(ROOT, '.cache/test-reports');
const tool = (file, ...args) => run(process.execPath, [path.join(ROOT, 'node_modules', file), ...args]);

/** By name: what runs, whether it holds tests, whether it runs the build, and data beside the repository that it needs. */
const STAGES = {
  build: { run: buildStage },
  lint: { run: lintStage },
  types: { run: () => tool('typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json') },
  unit: { run: () => jest('unit', '--maxWorkers=100%'), hasTests: true },
  // Its suites wait for processes, the disk and each other's events more than they compute.
  integration: { run: () => jest('integration', '--maxWorkers=2'), hasTests: true, needsBuild: true },
  // What is measured has the machine to itself.
  load: { run: () => jest('load', '--runInBand'), hasTests: true, needsBuild: true },
  conformance: {
    run: () => jest('conformance', '--maxWorkers=100%'),
    hasTests: true,
    needsData: path.join(ROOT, '..', 'shared', 'conformance'),
  },
  golden: { run: () => jest('golden', '--maxWorkers=100%'), hasTests: true, needsBuild: true },
  eval: {
    run: () => run(process.execPath, [path.join(ROOT, 'dist/eval/main.js'), '--quick', '--tune']),
    needsBuild: true,
  },
};

async function buildStage() {
  try {
    await build();
    return { status: 0 };
  } catch (error) {
    if (error instanceof SetupError) return { status: 1 };
    throw error;
  }
}

async function lintStage() {
  // ESLint takes as long as the other two and more, and there is usually a second core.
  const [eslint, others] = await Promise.all([
    tool('eslint/bin/eslint.js', '--max-warnings', '0', '.'),
    layersAndFormat(),
  ]);
  return { status: eslint.status === 0 ? others.status : eslint.status };
}

async function layersAndFormat() {
  const cruiser = 'dependency-cruiser/bin/dependency-cruise.mjs';
  const layers = await tool(cruiser, '--config', '.dependency-cruiser.cjs', ...CRUISED);
  const format = await tool('prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.');
  return { status: layers.status === 0 ? format.status : layers.status };
}

async function jest(project, ...args) {
  const report = path.join(REPORTS, `${project}.json`);
  // A report of an earlier run must not be counted when Jest ends before it writes one.
  rmSync(report, { force: true });
  const json = ['--json', `--outputFile=${report}`];
  // What only guards against a test that hangs leaves room for a slow machine.
  const limits = ['--passWithNoTests', '--testTimeout=30000'];
  const { status } = await tool('jest/bin/jest.js', '--selectProjects', project, ...limits, ...json, ...args);
  return { status, tests: countsOf(report, status) };
}

function countsOf(report, status) {
  try {
    const found = JSON.parse(readFileSync(report, 'utf8'));
    return {
      passed: found.numPassedTests,
      // A suite that could not be loaded hides its tests; it counts as one that failed.
      failed: found.numFailedTests + found.numRuntimeErrorTestSuites,
      skipped: found.numPendingTests + found.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: status === 0 ? 0 : 1, skipped: 0 };
  }
}

async function runStage(name, isBuilt) {
  const stage = STAGES[name];
  if (stage.needsBuild && !isBuilt) {
    console.log(`${name}: not run, because the build failed`);
    return { name, isOk: false };
  }
  if (stage.needsData !== undefined && !existsSync(stage.needsData)) {
    console.log(`${name}: not run, because ${path.relative(ROOT, stage.needsData)} is not there`);
    return { name, isOk: true };
  }
  const startMs = performance.now();
  const { status, tests } = await stage.run();
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const holdsNone = stage.hasTests && tests.passed + tests.failed + tests.skipped === 0;
  console.log(`${name}: ${status === 0 ? (holdsNone ? 'holds no test' : 'ok') : 'FAILED'} in ${seconds} s`);
  return { name, isOk: status === 0, tests };
}

function summaryOf(results) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { tests } of results) for (const key of Object.keys(tests ?? {})) total[key] += tests[key];
  const { passed, failed, skipped } = total;
  if (passed + failed + skipped === 0) return 'no test ran';
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

function selectionOf(args) {
  const unknown = args.find((name) => !(name in STAGES));
  if (unknown !== undefined)
    throw new SetupError(`no stage \`${unknown}\`: choose from ${Object.keys(STAGES).join(', ')}`);
  const isSelected = (name) => args.length === 0 || args.includes(name);
  // Stages that run the product get a build of the present sources whether it was asked for or not.
  const isNeeded = (name) => name === 'build' && args.some((arg) => STAGES[arg].needsBuild);
  return Object.keys(STAGES).filter((name) => isSelected(name) || isNeeded(name));
}

await main(async () => {
  const selected = selectionOf(process.argv.slice(2));
  requireNode();
  await ensureDependencies();
  mkdirSync(REPORTS, { recursive: true });
  const results = [];
  for (const name of selected) {
    results.push(
      await runStage(
        name,
        results.every((result) => result.name !== 'build' || result.isOk),
      ),
    );
  }
  const failed = results.filter(({ isOk }) => !isOk).map(({ name }) => name);
  if (failed.length > 0) console.log(`failed: ${failed.join(', ')}`);
  if (selected.some((name) => STAGES[name].hasTests)) console.log(summaryOf(results));
  process.exitCode = failed.length > 0 ? 1 : 0;
});
