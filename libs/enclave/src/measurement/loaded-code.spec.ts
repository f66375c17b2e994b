import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { measureLoadedCode } from './loaded-code';
import { measurementOf, type MeasuredManifest } from './measure';

const OWN = ['dist/libs/a/main.js', 'dist/libs/b/part.js'];
const OTHERS = ['node_modules/plain/index.js', 'node_modules/@scope/deep/node_modules/plain/lib/x.js'];
const ADDON = 'node_modules/plain/build/addon.node';
const MANIFESTS: Readonly<Record<string, string>> = {
  'node_modules/plain/package.json': '{"version":"1.2.3"}',
  'node_modules/@scope/deep/node_modules/plain/package.json': '{"version":"0.9.0"}',
};

describe('measureLoadedCode', () => {
  const places: string[] = [];
  afterAll(() => places.forEach((place) => rmSync(place, { recursive: true })));

  function installation(changed: Readonly<Record<string, string>> = {}): string {
    const root = mkdtempSync(join(tmpdir(), 'protego-code-'));
    places.push(root);
    const plain = Object.fromEntries([...OWN, ...OTHERS, ADDON].map((path) => [path, `content of ${path}`]));
    for (const [path, text] of Object.entries({ ...plain, ...MANIFESTS, ...changed })) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return root;
  }

  function measure(
    root: string,
    { more = [], configuration = { mode: 'write' }, isDebug = false }: Variation = {},
  ): Promise<MeasuredManifest> {
    const loaded = [...OTHERS, ADDON, ...OWN, ...more].map((path) => join(root, path));
    const where = { build: join(root, 'dist'), packages: [join(root, 'node_modules')] };
    return measureLoadedCode(loaded, where, configuration, { isDebug });
  }

  interface Variation {
    readonly more?: readonly string[];
    readonly configuration?: Record<string, unknown>;
    readonly isDebug?: boolean;
  }

  const textOf = async (manifest: Promise<MeasuredManifest>): Promise<string> =>
    measurementOf(await manifest).toString('hex');

  it('lists every file by content and every package by version', async () => {
    const { files, configuration } = await measure(installation());
    expect(files.map(({ path }) => path)).toEqual([
      'libs/a/main.js',
      'libs/b/part.js',
      'node_modules/@scope/deep/node_modules/plain/lib/x.js',
      'node_modules/plain/build/addon.node',
      'node_modules/plain/index.js',
    ]);
    expect(configuration).toEqual({
      mode: 'write',
      node: process.version,
      packages: { plain: '1.2.3', '@scope/deep/node_modules/plain': '0.9.0' },
    });
  });

  it('is the same wherever the installation lies', async () => {
    expect(await textOf(measure(installation()))).toBe(await textOf(measure(installation())));
  });

  it.each([...OWN, ...OTHERS, ADDON])('changes with a byte of %s', async (path) => {
    const changed = installation({ [path]: `content of ${path}.` });
    expect(await textOf(measure(changed))).not.toBe(await textOf(measure(installation())));
  });

  it('changes with the version of a package, the configuration, debug mode, and a file more', async () => {
    const root = installation({ 'dist/libs/more.js': 'more' });
    const upgraded = installation({ 'node_modules/plain/package.json': '{"version":"1.2.4"}' });
    const measurements = await Promise.all([
      textOf(measure(root)),
      textOf(measure(upgraded)),
      textOf(measure(root, { configuration: { mode: 'read' } })),
      textOf(measure(root, { isDebug: true })),
      textOf(measure(root, { more: ['dist/libs/more.js'] })),
    ]);
    expect(new Set(measurements).size).toBe(5);
  });

  it.each(['elsewhere/preload.js', 'dist-other/libs/a/main.js'])('refuses %s', async (path) => {
    const root = installation({ [path]: 'x' });
    await expect(measure(root, { more: [path] })).rejects.toMatchObject({
      code: 'ENCLAVE_MEASUREMENT_INVALID',
      details: { path: join(root, path) },
    });
  });

  it('refuses a package without a version', async () => {
    const root = installation({ 'node_modules/plain/package.json': '{' });
    await expect(measure(root)).rejects.toMatchObject({ code: 'ENCLAVE_MEASUREMENT_INVALID' });
  });
});
