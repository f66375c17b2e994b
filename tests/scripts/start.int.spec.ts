import { ScratchHouse, ended, isRunning, until } from './scratch-house';

/** Longest time from the death of a parent until nothing of it is left. */
const ORPHAN_MS_MAX = 3000;

describe('npm start', () => {
  let house: ScratchHouse;
  beforeEach(() => (house = new ScratchHouse()));
  afterEach(() => house.remove());

  const endAtOnce = (): ReturnType<typeof ended> => ended(house.start('start.mjs', ['--end']));

  it('installs and builds on a clean clone, passes arguments on and ends with the code of the application', async () => {
    expect((await endAtOnce()).code).toBe(3);
    expect(house.lines('calls.txt')).toEqual(['npm ci', 'nest build']);
    expect(house.lines('notes.txt')[1]).toBe('arguments up --demo --end');
  });

  it('does neither a second time, and only what is needed after a change', async () => {
    await endAtOnce();
    await endAtOnce();
    expect(house.lines('calls.txt')).toHaveLength(2);
    house.write('libs/x/src/index.ts', 'changed');
    await endAtOnce();
    expect(house.lines('calls.txt').slice(2)).toEqual(['nest build']);
    house.write('libs/x/src/index.spec.ts', 'a spec is not part of the build');
    await endAtOnce();
    expect(house.lines('calls.txt')).toHaveLength(3);
    house.write('package-lock.json', '{ "packages": { "node_modules/x": { "version": "1.0.0" } } }');
    await endAtOnce();
    expect(house.lines('calls.txt').slice(3)).toEqual(['npm ci', 'nest build']);
  });

  it('installs nothing where exactly the locked packages are installed', async () => {
    const lock = '{ "packages": { "node_modules/x": { "version": "1.0.0" }, "node_modules/y": { "optional": true } } }';
    house.write('package-lock.json', lock);
    house.write('node_modules/.package-lock.json', '{ "packages": { "node_modules/x": { "version": "1.0.0" } } }');
    house.write('node_modules/x/package.json', '{}');
    await endAtOnce();
    expect(house.lines('calls.txt')).toEqual(['nest build']);
  });

  it('falls back to npm install only where npm ci refuses the lock file', async () => {
    house.write('refuse-ci', 'EUSAGE');
    expect((await endAtOnce()).errorOutput).toContain('npm ci refused package-lock.json');
    expect(house.lines('calls.txt').slice(0, 2)).toEqual(['npm ci', 'npm install --no-save']);
  });

  it('says what failed where npm ci or the build fails, and starts nothing', async () => {
    house.write('refuse-ci', 'ENETUNREACH');
    expect(await endAtOnce()).toMatchObject({
      code: 1,
      errorOutput: expect.stringContaining('npm ci failed') as string,
    });
    house.write('refuse-ci', 'EUSAGE');
    house.write('refuse-build', '');
    expect(await endAtOnce()).toMatchObject({
      code: 1,
      errorOutput: expect.stringContaining('The build failed') as string,
    });
    expect(house.lines('notes.txt')).toEqual([]);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'passes %s on once, however often it comes, and waits',
    async (signal) => {
      const child = house.start('start.mjs');
      const pid = await house.applicationPid();
      // To the whole group, as a terminal does, and once more, as npm does.
      process.kill(-(child.pid as number), signal);
      process.kill(child.pid as number, signal);
      expect((await ended(child)).code).toBe(7);
      expect(house.lines('notes.txt').slice(2)).toEqual([signal]);
      expect(isRunning(pid)).toBe(false);
    },
  );

  it('leaves nothing running when its parent is killed', async () => {
    const parent = house.startUnderParent('start.mjs');
    const pid = await house.applicationPid();
    const startMs = performance.now();
    parent.kill('SIGKILL');
    await until(() => !isRunning(pid), 'the application to end');
    expect(performance.now() - startMs).toBeLessThan(ORPHAN_MS_MAX);
    expect(house.lines('notes.txt').slice(2)).toEqual(['SIGTERM']);
  });

  it('lets the application know when it is killed itself', async () => {
    const child = house.start('start.mjs');
    const pid = await house.applicationPid();
    const startMs = performance.now();
    child.kill('SIGKILL');
    await until(() => !isRunning(pid), 'the application to end');
    expect(performance.now() - startMs).toBeLessThan(ORPHAN_MS_MAX);
    expect(house.lines('notes.txt').slice(2)).toEqual(['disconnect']);
  });
});
