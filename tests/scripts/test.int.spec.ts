import { ScratchHouse, ended } from './scratch-house';

interface JestReport {
  readonly status: number;
  readonly numPassedTests?: number;
  readonly numFailedTests?: number;
  readonly numRuntimeErrorTestSuites?: number;
  readonly numPendingTests?: number;
  readonly numTodoTests?: number;
}

const none = {
  numPassedTests: 0,
  numFailedTests: 0,
  numRuntimeErrorTestSuites: 0,
  numPendingTests: 0,
  numTodoTests: 0,
};
const green = { ...none, status: 0, numPassedTests: 5 };

describe('npm test', () => {
  let house: ScratchHouse;
  beforeEach(() => (house = new ScratchHouse()));
  afterEach(() => house.remove());

  async function runStages(
    stages: readonly string[],
    reports: Record<string, JestReport>,
  ): Promise<{ code: number | null; lastLine: string | undefined; output: string; errorOutput: string }> {
    const result = await ended(house.start('test.mjs', stages, { REPORTS: JSON.stringify(reports) }));
    return { ...result, lastLine: result.output.trimEnd().split('\n').at(-1) };
  }

  it('adds up the tests of every run in its last line', async () => {
    const result = await runStages(['unit', 'golden'], { unit: green, golden: { ...green, numPassedTests: 2 } });
    expect(result).toMatchObject({ code: 0, lastLine: '7 passed, 0 failed' });
  });

  it('counts skipped tests apart', async () => {
    const result = await runStages(['unit'], { unit: { ...green, numPendingTests: 1, numTodoTests: 1 } });
    expect(result).toMatchObject({ code: 0, lastLine: '5 passed, 0 failed, 2 skipped' });
  });

  it('goes on after a stage that failed, and fails', async () => {
    const failed = { ...green, status: 1, numFailedTests: 1 };
    const result = await runStages(['unit', 'integration'], { unit: failed, integration: green });
    expect(result).toMatchObject({ code: 1, lastLine: '10 passed, 1 failed' });
  });

  it('counts a suite that could not be loaded as failed', async () => {
    const result = await runStages(['unit'], { unit: { ...green, status: 1, numRuntimeErrorTestSuites: 1 } });
    expect(result).toMatchObject({ code: 1, lastLine: '5 passed, 1 failed' });
  });

  it('does not count the report of an earlier run', async () => {
    await runStages(['unit'], { unit: green });
    const result = await runStages(['unit'], { unit: { status: 1 } });
    expect(result).toMatchObject({ code: 1, lastLine: '0 passed, 1 failed' });
  });

  it('never says that tests passed when none ran', async () => {
    const result = await runStages(['unit'], { unit: { ...none, status: 0 } });
    expect(result.lastLine).toBe('no test ran');
    expect(result.output).not.toContain('passed');
  });

  it('does not run the product when the build failed', async () => {
    house.write('refuse-build', '');
    const result = await runStages(['unit', 'integration'], { unit: green, integration: green });
    expect(result).toMatchObject({ code: 1, lastLine: '5 passed, 0 failed' });
    expect(result.output).toContain('integration: not run');
  });

  it('refuses a stage that does not exist', async () => {
    const result = await runStages(['speed'], {});
    expect(result).toMatchObject({ code: 1, errorOutput: expect.stringContaining('no stage `speed`') as string });
  });
});
