import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { sampleAuthor, sampleImage } from '../testing/sample-enclaves';
import { identityOf, signerScopeOf } from './enclave-identity';
import { measureFiles, measurementOf, type MeasuredManifest } from './measure';
import { checkSignedMeasurement, signMeasurement } from './signed-measurement';

let root: string;
const CONFIGURATION = { site: 'north', limits: { pages: 64 } };

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'measure-'));
  mkdirSync(join(root, 'lib'));
  writeFileSync(join(root, 'main.js'), 'run()');
  writeFileSync(join(root, 'lib', 'seal.js'), 'seal()');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function measure(paths: string[], configuration: unknown = CONFIGURATION, isDebug = false): Promise<string> {
  return measurementOf(await measureFiles(root, paths, configuration, { isDebug })).toString('hex');
}

describe('measurement', () => {
  it('is the same for the same code and configuration, however they are listed', async () => {
    const first = await measure(['main.js', 'lib/seal.js']);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(await measure(['./lib/../lib/seal.js', 'main.js'], { limits: { pages: 64 }, site: 'north' })).toBe(first);
  });

  it('changes with code, path, configuration and debug mode', async () => {
    const all = ['main.js', 'lib/seal.js'];
    const found = [await measure(all), await measure(['main.js']), await measure(all, { site: 'south' })];
    found.push(await measure(all, CONFIGURATION, true));
    writeFileSync(join(root, 'main.js'), 'run() ');
    found.push(await measure(all));
    writeFileSync(join(root, 'main.js'), 'run()');
    writeFileSync(join(root, 'other.js'), 'run()');
    found.push(await measure(['other.js', 'lib/seal.js']));
    expect(new Set(found).size).toBe(6);
  });

  it('can be recomputed by hand from its manifest', async () => {
    const manifest = await measureFiles(root, ['main.js'], 1, { isDebug: false });
    expect(manifest).toEqual({
      format: 1,
      files: [{ path: 'main.js', sha256: '02fcae88bd120f599563734dc51f95daea3e96193a44c16bcad5a646de82ac94' }],
      configuration: 1,
      debug: false,
    });
    // From another program.
    const expected = '2da89efa3149786acb8d21d558a026d8f18788fe90ff2e44d576acd5bf587cad';
    expect(measurementOf(manifest).toString('hex')).toBe(expected);
  });

  it.each([['../main.js'], ['/etc/passwd'], [''], ['.'], ['lib'], ['missing.js']])('refuses `%s`', async (path) => {
    await expect(measure([path])).rejects.toMatchObject({ code: 'ENCLAVE_MEASUREMENT_INVALID' });
  });

  it('refuses a link, a file named twice and no file at all', async () => {
    symlinkSync(join(root, 'main.js'), join(root, 'link.js'));
    for (const paths of [['link.js'], ['main.js', './main.js'], []]) {
      await expect(measure(paths)).rejects.toMatchObject({ code: 'ENCLAVE_MEASUREMENT_INVALID' });
    }
  });

  it('differs for any two manifests that differ', () => {
    const file = fc.record({ path: fc.string({ minLength: 1 }), sha256: fc.string() });
    const manifest = fc.record({
      format: fc.constant(1 as const),
      files: fc.uniqueArray(file, { selector: ({ path }) => path, maxLength: 3 }),
      configuration: fc.option(fc.string()),
      debug: fc.boolean(),
    });
    const sorted = (raw: MeasuredManifest): MeasuredManifest => ({
      ...raw,
      files: [...raw.files].sort((a, b) => (a.path < b.path ? -1 : 1)),
    });
    fc.assert(
      fc.property(manifest, manifest, (a, b) => {
        fc.pre(JSON.stringify(sorted(a)) !== JSON.stringify(sorted(b)));
        expect(measurementOf(sorted(a))).not.toEqual(measurementOf(sorted(b)));
      }),
    );
  });
});

describe('signed measurement', () => {
  it('gives the identity of what it was signed for', () => {
    const { measurement, signer, securityVersion, isDebug } = identityOf(
      sampleImage({ author: 'a', securityVersion: 3 }),
    );
    expect(measurement).toEqual(measurementOf(sampleImage().manifest));
    expect({ product: signer?.product, securityVersion, isDebug }).toEqual({
      product: 'protego.enclave',
      securityVersion: 3,
      isDebug: false,
    });
  });

  it('is refused for other code, and when any field was changed', () => {
    const { signed } = sampleImage({ author: 'a' });
    if (signed === undefined) throw new Error('not signed');
    const other = sampleImage({ code: 'v2' }).manifest;
    expect(() => identityOf({ manifest: other, signed })).toThrow(
      expect.objectContaining({ code: 'ENCLAVE_SIGNATURE_INVALID' }),
    );
    const changes = [
      { measurement: measurementOf(other).toString('hex') },
      { product: 'other' },
      { product: 'No Such Form' },
      { securityVersion: 2 },
      { securityVersion: -1 },
      { publicKey: sampleAuthor('b').publicKey.toString('hex') },
      { publicKey: signed.publicKey.toUpperCase() },
      { signature: signed.signature.replace(/^../, 'ff') },
      { signature: signed.signature.slice(2) },
      { format: 2 as 1 },
    ];
    for (const change of changes) {
      expect(() => checkSignedMeasurement({ ...signed, ...change })).toThrow(
        expect.objectContaining({ code: 'ENCLAVE_SIGNATURE_INVALID' }),
      );
    }
  });

  it('cannot be made for a product or version of another form', () => {
    const measurement = Buffer.alloc(32);
    for (const change of [
      { product: '' },
      { product: 'UPPER' },
      { securityVersion: 1.5 },
      { securityVersion: 2 ** 32 },
    ]) {
      const fields = { measurement, product: 'p', securityVersion: 1, ...change };
      expect(() => signMeasurement(sampleAuthor('a'), fields)).toThrow(
        expect.objectContaining({ code: 'ENCLAVE_SIGNATURE_INVALID' }),
      );
    }
  });
});

describe('scope of a signer', () => {
  it('is shared by versions, and by no other author, product or debug mode', () => {
    const scope = (sample: Parameters<typeof sampleImage>[0]): string =>
      signerScopeOf(identityOf(sampleImage(sample))).toString('hex');
    const ours = scope({ author: 'a' });
    expect(scope({ author: 'a', code: 'v2', securityVersion: 9 })).toBe(ours);
    const others = [{ author: 'b' }, { author: 'a', product: 'x' }, { author: 'a', isDebug: true }].map(scope);
    expect(new Set([ours, ...others]).size).toBe(4);
    expect(() => scope({})).toThrow(expect.objectContaining({ code: 'ENCLAVE_SIGNER_MISMATCH' }));
  });
});
