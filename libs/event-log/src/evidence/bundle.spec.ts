import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from '@swc/core';
import { canonicalJson, type Clock, type ProtegoEvent } from '@protego/contracts';
import { fixedHouse, fixedKeys } from '@protego/enclave/testing';
import { OneKeyVault, sealedRecord, signInOf } from '../testing/one-key-vault';
import { inTemporaryDirectory } from '../testing';
import { EventLogReader } from '../reader/reader';
import { EventLogWriter } from '../writer/writer';
import { openBundleFile, verifyBundleFile } from './bundle-check';
import { exportBundle, type BundleExportOptions, type BundleSummary } from './bundle-export';
import { generateReceiverKey } from './hpke';
import { writerAuthority, type LogAuthority } from './log-authority';
import { subjectsOfRecord } from './record-selection';
import { checkBundle, describeBundle, signedTextOf } from './standalone/verify-bundle';

const clock: Clock = { wallMs: () => Date.parse('2026-02-01T00:00:00Z'), monotonicMs: () => 0 };
const receiver = generateReceiverKey();
const SOURCE = join(__dirname, 'standalone', 'verify-bundle.ts');

interface Hospital {
  readonly directory: string;
  readonly vault: OneKeyVault;
  readonly writer: EventLogWriter;
  readonly verifierKey: string;
  export(options?: Partial<BundleExportOptions>): Promise<BundleSummary>;
}

/** A log of 600 sign-ins of 20 people. */
async function inHospital(test: (hospital: Hospital) => Promise<void>): Promise<void> {
  await inTemporaryDirectory(async (root) => {
    const directory = join(root, 'log');
    const keys = fixedKeys('bundle');
    const vault = new OneKeyVault();
    const writer = await EventLogWriter.open({ directory, origin: 'hospital.example/log', keys, blockBytesMax: 8_192 });
    try {
      const sealing = Array.from({ length: 600 }, (_, i) =>
        sealedRecord(vault, signInOf(`person-${i % 20}`, `Ada Example ${i % 20}`, i), 1_767_600_000_000 + i * 1_000),
      );
      await writer.append(await Promise.all(sealing));
      const reader = await EventLogReader.open({ directory, keys, subjectsOf: subjectsOfRecord });
      const authority = writerAuthority({ writer, clock, site: 'general-hospital' });
      let number = 0;
      await test({
        directory,
        vault,
        writer,
        verifierKey: writer.identity.verifierKey,
        export: (options = {}) =>
          exportBundle({
            ...{ directory, reader, keys, vault, authority, clock, receiver: receiver.publicKey },
            ...{ file: join(root, `evidence-${number++}.bundle`), selection: { fromSeq: 100, toSeq: 110 } },
            ...{ purpose: 'complaint 7', ...options },
          }),
      });
    } finally {
      await writer.close();
    }
  });
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (cause) {
    return (cause as { code?: string }).code ?? String(cause);
  }
}

function standaloneCode(): string {
  const { code } = transformSync(readFileSync(SOURCE, 'utf8'), {
    module: { type: 'commonjs' },
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
  });
  return code;
}

describe('an evidence bundle', () => {
  it('holds a range of records, proves that these and only these stood there, and opens for its receiver', async () => {
    await inHospital(async ({ vault, writer, verifierKey, export: make }) => {
      const summary = await make();
      expect(summary).toMatchObject({ records: 10, firstSeq: 100, lastSeq: 109, isContiguous: true, keys: 10 });
      expect(summary.eventSeq).toBe(600);
      const bundle = verifyBundleFile(summary.file, verifierKey);
      expect(bundle.isContiguous).toBe(true);
      expect(bundle.checkpoint.size).toBe(writer.size);
      expect(describeBundle(bundle)).toMatchObject({
        records: 10,
        firstSeq: 100,
        lastSeq: 109,
        purpose: 'complaint 7',
      });
      const stored = JSON.stringify(bundle.records.map(({ event }) => event));
      expect(stored).not.toContain('Ada Example');
      await vault.close();
      const opened = openBundleFile(summary.file, receiver.privateKey, verifierKey);
      expect(opened.map(({ seq, event }) => [seq, (event['data'] as ProtegoEvent['data'])['user']])).toEqual(
        Array.from({ length: 10 }, (_, i) => [
          100 + i,
          { uid: `person-${(100 + i) % 20}`, name: `Ada Example ${(100 + i) % 20}` },
        ]),
      );
      expect(opened.every(({ slotsClosed }) => slotsClosed === 0)).toBe(true);
    });
  });

  it('holds scattered records of one person, found by name, and does not give the name away', async () => {
    await inHospital(async ({ verifierKey, export: make }) => {
      const summary = await make({ selection: { subject: 'person-3', fromSeq: 0, toSeq: 600 } });
      expect(summary).toMatchObject({ records: 30, firstSeq: 3, lastSeq: 583, isContiguous: false });
      const { manifest, records } = verifyBundleFile(summary.file, verifierKey);
      expect(records.map(({ seq }) => seq)).toEqual(Array.from({ length: 30 }, (_, i) => 3 + 20 * i));
      expect(JSON.stringify(manifest)).not.toContain('person-3');
      expect(openBundleFile(summary.file, receiver.privateKey)).toHaveLength(30);
    });
  });

  it('holds each key for its own record, though others in between have none', async () => {
    await inHospital(async ({ vault, writer, export: make }) => {
      const events = Array.from({ length: 1_100 }, (_, i) => {
        const event = signInOf(`person-${i % 3}`, `Ada Example ${i % 3}`, i);
        return i % 2 === 0 ? event : { ...event, data: { device: { uid: 'pc-1' } } };
      });
      await writer.append(
        await Promise.all(events.map((event, i) => sealedRecord(vault, event, 1_767_700_000_000 + i))),
      );
      const { file, keys } = await make({ selection: { fromSeq: 600, toSeq: 1_700 } });
      expect(keys).toBe(550);
      const opened = openBundleFile(file, receiver.privateKey);
      expect(opened.map(({ event }) => event)).toEqual(events);
    });
  });

  it('opens fields whose names are sealed too, whatever the sender called them', async () => {
    await inTemporaryDirectory(async (root) => {
      const directory = join(root, 'log');
      const house = await fixedHouse(join(root, 'keys'));
      const { keys, vault } = house;
      const writer = await EventLogWriter.open({ directory, origin: 'hospital.example/log', keys });
      const data = { 'notes of Ada Example': { a: [1] }, '~k.0': 'first', 'a/b~c': 'second', '~t.1': '~k.1' };
      const event = { ...signInOf('person-1', 'Ada Example', 1), data };
      await writer.append([await sealedRecord(vault, event, 1_767_600_000_000)]);
      const reader = await EventLogReader.open({ directory, keys, subjectsOf: subjectsOfRecord });
      const authority = writerAuthority({ writer, clock, site: 'general-hospital' });
      const parts = { directory, reader, keys, vault, authority, clock, receiver: receiver.publicKey };
      const file = join(root, 'one.bundle');
      await exportBundle({ ...parts, file, selection: { fromSeq: 0, toSeq: 1 }, purpose: 'complaint 7' });
      expect(openBundleFile(file, receiver.privateKey)).toMatchObject([{ event, slotsClosed: 0 }]);
      await writer.close();
      await house.close();
    });
  });

  it('is recorded in the log before it exists, and leaves nothing behind when it fails', async () => {
    await inHospital(async ({ directory, writer, export: make }) => {
      await expect(make({ selection: { subject: 'nobody-at-all' } })).rejects.toMatchObject({
        code: 'LOG_RANGE_MISSING',
      });
      await expect(make({ receiver: receiver.privateKey })).rejects.toMatchObject({ code: 'BUNDLE_KEY_INVALID' });
      await expect(make({ purpose: ' ' })).rejects.toMatchObject({ code: 'USAGE_INVALID' });
      expect(readdirSync(join(directory, '..')).filter((name) => name !== 'log')).toEqual([]);
      expect(writer.size).toBe(600);
      const { file, bundle } = await make();
      const reader = await EventLogReader.open({ directory, keys: fixedKeys('bundle') });
      const [event] = [...reader.query({ types: ['log.exported'] })].map(({ body }) => JSON.parse(body.toString()));
      expect(event).toMatchObject({ data: { bundle, fromSeq: 100, toSeq: 110, records: 10, keys: 10 } });
      await expect(make({ file })).rejects.toMatchObject({ code: 'USAGE_INVALID' });
      expect(existsSync(`${file}.part`)).toBe(false);
    });
  });

  it('wipes the record keys that it got and put together, whether it is made or fails', async () => {
    await inHospital(async ({ vault, export: make }) => {
      const kept: Buffer[] = [];
      const slotKeys = vault.slotKeys.bind(vault);
      vault.slotKeys = async (sealed) => {
        const keys = await slotKeys(sealed);
        kept.push(...keys.flat().map(({ key }) => key));
        return keys;
      };
      const alloc = jest.spyOn(Buffer, 'alloc');
      const entries = (): Buffer[] =>
        alloc.mock.results.map(({ value }) => value as Buffer).filter(({ length }) => length === 38);
      await make();
      expect([kept.length, entries().length]).toEqual([10, 10]);
      await expect(
        make({ authority: { append: () => Promise.reject(new Error('disk')) } as unknown as LogAuthority }),
      ).rejects.toThrow('disk');
      expect([kept.length, entries().length]).toEqual([20, 20]);
      expect([...kept, ...entries()].every((secret) => secret.every((byte) => byte === 0))).toBe(true);
      alloc.mockRestore();
    });
  });

  it('proves that the log has grown from a checkpoint that the receiver has kept', async () => {
    await inHospital(async ({ writer, verifierKey, vault, export: make }) => {
      const earlierCheckpoint = await writer.signCheckpoint();
      await writer.append([await sealedRecord(vault, signInOf('person-1', 'Ada Example 1', 9), 1_767_700_000_000)]);
      const { file } = await make({ earlierCheckpoint });
      expect(verifyBundleFile(file, verifierKey).earlier?.size).toBe(600);
      const other = earlierCheckpoint.replace('600', '599');
      await expect(make({ earlierCheckpoint: other })).rejects.toMatchObject({ code: 'LOG_CHECKPOINT_INVALID' });
    });
  });

  it('is refused after any single flipped bit, a cut, or bytes added', async () => {
    await inHospital(async ({ verifierKey, export: make }) => {
      const { file } = await make({ selection: { fromSeq: 0, toSeq: 1 } });
      const bytes = readFileSync(file);
      for (let bit = 0; bit < bytes.length * 8; bit += 7) {
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
        const code = codeOf(() => checkBundle(bytes, verifierKey));
        if (code !== 'BUNDLE_INVALID') throw new Error(`bit ${bit} of ${bytes.length * 8}: ${code}`);
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      }
      expect(codeOf(() => checkBundle(bytes, verifierKey))).toBeUndefined();
      expect(codeOf(() => checkBundle(bytes.subarray(0, -1), verifierKey))).toBe('BUNDLE_INVALID');
      expect(codeOf(() => checkBundle(Buffer.concat([bytes, Buffer.of(0)]), verifierKey))).toBe('BUNDLE_INVALID');
      expect(codeOf(() => checkBundle(Buffer.alloc(0)))).toBe('BUNDLE_INVALID');
    });
  }, 120_000);

  it('is refused for another verifier key, and does not open for another receiver', async () => {
    await inHospital(async ({ directory, export: make }) => {
      const { file } = await make();
      const other = join(directory, '..', 'other');
      const foreign = await EventLogWriter.open({
        directory: other,
        origin: 'hospital.example/log',
        keys: fixedKeys('x'),
      });
      const { verifierKey } = foreign.identity;
      await foreign.close();
      expect(codeOf(() => verifyBundleFile(file, verifierKey))).toBe('BUNDLE_INVALID');
      expect(codeOf(() => openBundleFile(file, generateReceiverKey().privateKey))).toBe('BUNDLE_KEY_INVALID');
      const without = await make({ receiver: undefined });
      expect(without.keys).toBe(0);
      expect(codeOf(() => openBundleFile(without.file, receiver.privateKey))).toBe('BUNDLE_KEY_INVALID');
    });
  });

  it('gives the receiver nothing that opens a record outside it', async () => {
    await inHospital(async ({ directory, export: make }) => {
      const { file } = await make({ selection: { fromSeq: 0, toSeq: 40 } });
      const reader = await EventLogReader.open({ directory, keys: fixedKeys('bundle') });
      const outside = reader.recordAt(40 as never)?.sealed as Buffer;
      // Seq 40 is of the same person as seq 0 and 20, whose keys the receiver has.
      const bundle = verifyBundleFile(file);
      const graft = {
        ...bundle,
        records: bundle.records.map((record) => ({ ...record, sealed: Buffer.from(outside) })),
      };
      const { openBundle, receiverPrivateKey } = await import('./standalone/verify-bundle');
      expect(codeOf(() => openBundle(graft, receiverPrivateKey(receiver.privateKey)))).toBe('BUNDLE_INVALID');
    });
  });
});

/** The bundle with another manifest, signed anew as whoever holds the key of the log could. */
async function resigned(bundle: Buffer, manifest: (text: string) => string): Promise<Buffer> {
  const lengthsAt = bundle.length - 96;
  const bytesOf = (section: number): number => Number(bundle.readBigUInt64BE(lengthsAt + 8 * section));
  const at = 16 + bytesOf(0) + bytesOf(1) + bytesOf(2);
  const changed = Buffer.from(manifest(bundle.toString('utf8', at, lengthsAt)));
  const lengths = Buffer.from(bundle.subarray(lengthsAt, lengthsAt + 32));
  lengths.writeBigUInt64BE(BigInt(changed.length), 24);
  const body = Buffer.concat([bundle.subarray(0, at), changed, lengths]);
  const text = signedTextOf('evidence-bundle', createHash('sha256').update(body).digest());
  return Buffer.concat([body, await fixedKeys('bundle').signer.sign(text)]);
}

describe('a manifest that its own log signed', () => {
  it('is believed in nothing that the records contradict', async () => {
    await inHospital(async ({ verifierKey, export: make }) => {
      const { file } = await make({ selection: { fromSeq: 101, toSeq: 109 } });
      const bundle = readFileSync(file);
      const told = async (selection: object): Promise<unknown> => {
        const bytes = await resigned(bundle, (text) => canonicalJson({ ...(JSON.parse(text) as object), selection }));
        try {
          return describeBundle(checkBundle(bytes, verifierKey))['isSelectionProven'];
        } catch (cause) {
          return (cause as { code?: unknown }).code;
        }
      };
      expect(await told({ fromSeq: 101, toSeq: 109 })).toBe(true);
      expect(await told({ fromSeq: 100, toSeq: 110 })).toBe(false);
      expect(await told({ fromSeq: 0, toSeq: 50 })).toBe('BUNDLE_INVALID');
      expect(await told({ types: ['device.none'] })).toBe('BUNDLE_INVALID');
      expect(await told({ types: ['access.*'] })).toBe(false);
      const nested = await resigned(bundle, () => '['.repeat(200_000) + ']'.repeat(200_000));
      expect(codeOf(() => checkBundle(nested, verifierKey))).toBe('BUNDLE_INVALID');
      const deep = await resigned(bundle, () => `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
      expect(codeOf(() => checkBundle(deep, verifierKey))).toBe('BUNDLE_INVALID');
    });
  });
});

describe('the standalone verifier', () => {
  it('needs nothing but Node', () => {
    const imports = [...standaloneCode().matchAll(/require\(\s*["']([^"']+)["']\s*\)/g)].map(([, name]) => name);
    expect(imports.length).toBeGreaterThan(0);
    expect(imports.filter((name) => !/^node:/.test(name ?? ''))).toEqual([]);
    expect(readFileSync(SOURCE, 'utf8')).not.toMatch(/\bimport\(/);
  });

  it('checks and opens a bundle in an empty directory, and tells by its exit code', async () => {
    await inHospital(async ({ directory, verifierKey, export: make }) => {
      const { file } = await make();
      const away = join(directory, '..', 'away');
      mkdirSync(away);
      copyFileSync(file, join(away, 'evidence.bundle'));
      writeFileSync(join(away, 'verify-bundle.js'), standaloneCode());
      writeFileSync(join(away, 'receiver.pem'), receiver.privateKey);
      const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
        spawnSync(process.execPath, ['verify-bundle.js', ...args], { cwd: away, encoding: 'utf8', env: {} });
      expect(run('evidence.bundle', verifierKey)).toMatchObject({ status: 0, stderr: '' });
      const unnamed = run('evidence.bundle');
      expect(unnamed.status).toBe(0);
      expect(unnamed.stdout).toContain('warning: no verifier key was given');
      const opened = run('evidence.bundle', '--key', verifierKey, '--open', 'receiver.pem', '--json');
      expect(opened.status).toBe(0);
      const facts = JSON.parse(opened.stdout) as { ok: boolean; opened: { event: { data: unknown } }[] };
      expect(facts.ok).toBe(true);
      expect(JSON.stringify(facts.opened[0])).toContain('Ada Example 0');
      const altered = readFileSync(join(away, 'evidence.bundle'));
      altered[20] = (altered[20] as number) ^ 1;
      writeFileSync(join(away, 'altered.bundle'), altered);
      expect(run('altered.bundle', verifierKey).status).toBe(1);
      expect(run('missing.bundle').status).toBe(2);
      expect(run().status).toBe(2);
      expect(run('evidence.bundle', '--nonsense').status).toBe(2);
      rmSync(away, { recursive: true });
    });
  });

  it('refuses whatever is no bundle without falling over', () => {
    for (let i = 0; i < 300; i++) {
      const bytes = randomBytes(i * 3);
      if (i % 2 === 0) Buffer.from('\xf5PTGBND\n', 'latin1').copy(bytes);
      expect(codeOf(() => checkBundle(bytes))).toBe('BUNDLE_INVALID');
    }
  });
});
