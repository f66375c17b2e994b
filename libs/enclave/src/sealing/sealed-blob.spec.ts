import { createDecipheriv, hash, hkdfSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { isProtegoError } from '@protego/contracts';
import { type LaunchedEnclave } from '../platform/platform';
import { openPlatform } from '../platform/open-platform';
import { MemoryCounters, memoryPlatform } from '../testing/memory-platform';
import { sampleImage, type SampleEnclave } from '../testing/sample-enclaves';
import { sealAesGcm } from '../primitives/aes-gcm';
import { BLOB_PLAINTEXT_BYTES_MAX, inspectBlob, joinBlob } from './blob-format';
import { commitBlob, openBlob, sealBlob } from './sealed-blob';
import { readSealedFile, writeSealedFile } from './sealed-file';

const SECRET = Buffer.from('the root secret of a site, really');
const ROOT = { policy: 'measurement', label: 'root' } as const;
const COUNTED = { ...ROOT, counter: 'root' } as const;

/** Enclaves on one platform. */
function enclaves(...samples: SampleEnclave[]): LaunchedEnclave[] {
  const platform = memoryPlatform({ seed: 'sealing' });
  return samples.map((sample) => platform.launch(sampleImage(sample)));
}

function enclave(sample: SampleEnclave = {}): LaunchedEnclave {
  return enclaves(sample)[0] as LaunchedEnclave;
}

/** Code of a refusal; `opened` when there was none. */
async function codeOf(opening: Promise<Buffer>): Promise<string> {
  return opening.then(
    () => 'opened',
    (error: unknown) => (isProtegoError(error) ? error.code : String(error)),
  );
}

function flipped(blob: Buffer, bit: number): Buffer {
  const altered = Buffer.from(blob);
  altered.writeUInt8(altered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return altered;
}

/** The blob with the digest at its end made to fit: what somebody would do who alters it on purpose. */
function redigested(blob: Buffer): Buffer {
  const content = blob.subarray(0, -32);
  return Buffer.concat([content, Buffer.from(hash('sha256', content, 'hex'), 'hex')]);
}

/** Key, nonce and commitment of a blob, and where its ciphertext starts, after docs/reference/sealing.md. */
function described(
  { identity }: LaunchedEnclave,
  blob: Buffer,
  policy: 'measurement' | 'code',
): { key: Buffer; nonce: Buffer; commitment: Buffer; start: number } {
  const secret = Buffer.from(hash('sha256', 'protego fixed platform sealing', 'hex'), 'hex');
  const purpose = Buffer.from('protego/sealing-key/1\0');
  const numbers = [blob.subarray(10, 11), blob.subarray(12, 16)];
  const holder = policy === 'code' ? identity.codeMeasurement : identity.measurement;
  const context = [purpose, ...numbers, holder, Buffer.alloc(32), Buffer.from('root')];
  const sealingKey = Buffer.from(hkdfSync('sha256', secret, blob.subarray(120, 152), Buffer.concat(context), 32));
  const info = Buffer.from('protego/sealed-blob/1\0');
  const derived = Buffer.from(hkdfSync('sha256', sealingKey, Buffer.alloc(0), info, 76));
  return {
    key: derived.subarray(0, 32),
    nonce: derived.subarray(32, 44),
    commitment: derived.subarray(44),
    start: 160 + blob.readUInt8(152) + blob.readUInt8(153) + 32,
  };
}

describe.each([
  { policy: 'measurement', mismatch: 'ENCLAVE_MEASUREMENT_MISMATCH' },
  { policy: 'code', mismatch: 'ENCLAVE_CODE_MISMATCH' },
] as const)('sealed blob of policy $policy', ({ policy, mismatch }) => {
  const ROOT = { policy, label: 'root' } as const;
  const COUNTED = { ...ROOT, counter: 'root' } as const;

  it('opens in an enclave of the same measurement on the same platform, for what it was sealed for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const blob = await sealBlob(enclave(), Buffer.from(bytes), ROOT);
        expect(await openBlob(enclave(), blob, ROOT)).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 30 },
    );
  });

  it('is refused with a code of its own for another measurement or debug mode, platform, label, older counter and flipped bit', async () => {
    const [first, second] = enclaves({}, { code: 'v2' }) as [LaunchedEnclave, LaunchedEnclave];
    const debug = enclave({ isDebug: true });
    const other = memoryPlatform({ seed: 'other' }).launch(sampleImage());
    const older = await sealBlob(first, SECRET, COUNTED);
    const blob = await sealBlob(first, SECRET, COUNTED);
    await commitBlob(first, blob);
    const codes = {
      measurement: await codeOf(openBlob(second, blob, COUNTED)),
      debug: await codeOf(openBlob(debug, blob, COUNTED)),
      nodeFlags: await codeOf(openBlob(enclave({ nodeFlags: ['--import=x'] }), blob, COUNTED)),
      platform: await codeOf(openBlob(other, blob, COUNTED)),
      label: await codeOf(openBlob(first, blob, { ...COUNTED, label: 'other' })),
      counter: await codeOf(openBlob(first, older, COUNTED)),
      bit: await codeOf(openBlob(first, flipped(blob, 777), COUNTED)),
      none: await codeOf(openBlob(first, blob, COUNTED)),
    };
    expect(codes).toEqual({
      measurement: mismatch,
      debug: mismatch,
      nodeFlags: mismatch,
      platform: 'ENCLAVE_PLATFORM_MISMATCH',
      label: 'ENCLAVE_LABEL_MISMATCH',
      counter: 'ENCLAVE_ROLLED_BACK',
      bit: 'ENCLAVE_BLOB_DAMAGED',
      none: 'opened',
    });
  });

  it('is found damaged whichever bit was flipped and wherever it was cut', async () => {
    const sealer = enclave();
    const blob = await sealBlob(sealer, SECRET, COUNTED);
    for (let bit = 0; bit < 8 * blob.length; bit++) {
      expect(await codeOf(openBlob(sealer, flipped(blob, bit), COUNTED))).toBe('ENCLAVE_BLOB_DAMAGED');
    }
    for (let length = 0; length < blob.length; length++) {
      expect(await codeOf(openBlob(sealer, blob.subarray(0, length), COUNTED))).toBe('ENCLAVE_BLOB_DAMAGED');
    }
  }, 60_000);

  it('never opens when a bit was flipped and the digest made to fit', async () => {
    const sealer = enclave();
    const blob = await sealBlob(sealer, SECRET, COUNTED);
    const codes = new Set<string>();
    for (let bit = 0; bit < 8 * (blob.length - 32); bit++) {
      codes.add(await codeOf(openBlob(sealer, redigested(flipped(blob, bit)), COUNTED)));
    }
    // What the header claims decides which refusal it is; all that is left is caught by key and tag.
    const expected = ['ENCLAVE_BLOB_DAMAGED', 'ENCLAVE_LABEL_MISMATCH', 'ENCLAVE_PLATFORM_MISMATCH', mismatch];
    expect([...codes].sort()).toEqual(expected.sort());
  }, 60_000);

  it('holds nothing of the plaintext and has no key twice', async () => {
    const [a, b] = await Promise.all([sealBlob(enclave(), SECRET, ROOT), sealBlob(enclave(), SECRET, ROOT)]);
    expect(a.includes(SECRET.subarray(0, 8))).toBe(false);
    const [saltA, saltB] = [a, b].map((blob) => inspectBlob(blob).salt.toString('hex'));
    expect(saltA).not.toBe(saltB);
    expect(a.subarray(-80)).not.toEqual(b.subarray(-80));
  });

  it('opens by its description alone', async () => {
    const sealer = enclave();
    const blob = await sealBlob(sealer, SECRET, COUNTED);
    const { key, nonce, commitment, start } = described(sealer, blob, policy);
    expect(blob.subarray(start - 32, start)).toEqual(commitment);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce);
    decipher.setAAD(blob.subarray(0, start));
    const end = start + blob.readUInt32BE(156);
    decipher.setAuthTag(blob.subarray(end, end + 16));
    expect(Buffer.concat([decipher.update(blob.subarray(start, end)), decipher.final()])).toEqual(SECRET);
  });

  it('is refused with a commitment to another key, also when its tag fits', async () => {
    const sealer = enclave();
    const blob = await sealBlob(sealer, SECRET, COUNTED);
    const { key, nonce, start } = described(sealer, blob, policy);
    const authenticated = Buffer.concat([blob.subarray(0, start - 32), Buffer.alloc(32)]);
    const sealed = sealAesGcm({ key, nonce, additionalData: authenticated }, SECRET);
    expect(await codeOf(openBlob(sealer, joinBlob(authenticated, sealed), COUNTED))).toBe('ENCLAVE_BLOB_DAMAGED');
  });

  it('says what it is without being opened', async () => {
    const sealer = enclave({ author: 'a', securityVersion: 4 });
    const blob = await sealBlob(sealer, SECRET, { policy: 'signer', label: 'root/1', counter: 'root' });
    expect(inspectBlob(blob)).toMatchObject({
      policy: 'signer',
      securityVersion: 4,
      label: 'root/1',
      counter: 'root',
      counterValue: 1,
      plaintextBytes: SECRET.length,
      platformId: sealer.platformId,
    });
  });

  it('takes no names and sizes out of bounds', async () => {
    const invalid = { code: 'ENCLAVE_BLOB_INVALID' };
    const changes = [{ label: '' }, { label: 'a b' }, { label: 'x'.repeat(129) }, { counter: '' }, { counter: 'a#b' }];
    for (const change of [...changes, { counter: 'x'.repeat(121) }]) {
      await expect(sealBlob(enclave(), SECRET, { ...ROOT, ...change })).rejects.toMatchObject(invalid);
    }
    const large = Buffer.alloc(BLOB_PLAINTEXT_BYTES_MAX + 1);
    await expect(sealBlob(enclave(), large, ROOT)).rejects.toMatchObject(invalid);
    const longest = { ...ROOT, counter: 'x'.repeat(120) };
    expect(await codeOf(openBlob(enclave(), await sealBlob(enclave(), SECRET, longest), ROOT))).toBe(
      'ENCLAVE_LABEL_MISMATCH',
    );
  });
});

describe('blob sealed to code', () => {
  const CODE = { policy: 'code', label: 'root' } as const;

  it('opens whatever the code is configured for, and one sealed to a measurement does not', async () => {
    const [north, south] = enclaves({}, { site: 'south' }) as [LaunchedEnclave, LaunchedEnclave];
    expect(north.identity.measurement).not.toEqual(south.identity.measurement);
    expect(await openBlob(south, await sealBlob(north, SECRET, CODE), CODE)).toEqual(SECRET);
    const own = await sealBlob(north, SECRET, ROOT);
    expect(await codeOf(openBlob(south, own, ROOT))).toBe('ENCLAVE_MEASUREMENT_MISMATCH');
  });

  it('is not taken for a blob of another policy, nor the other way round', async () => {
    const sealer = enclave({ author: 'a' });
    const own = await sealBlob(sealer, SECRET, ROOT);
    const ofCode = await sealBlob(sealer, SECRET, CODE);
    const signed = await sealBlob(sealer, SECRET, { ...CODE, policy: 'signer' });
    expect(await codeOf(openBlob(sealer, own, CODE))).toBe('ENCLAVE_CODE_MISMATCH');
    expect(await codeOf(openBlob(sealer, signed, CODE))).toBe('ENCLAVE_CODE_MISMATCH');
    expect(await codeOf(openBlob(sealer, ofCode, ROOT))).toBe('ENCLAVE_MEASUREMENT_MISMATCH');
    expect(await codeOf(openBlob(sealer, ofCode, { ...CODE, policy: 'signer' }))).toBe('ENCLAVE_SIGNER_MISMATCH');
  });

  it('has a key of its own, also for an enclave of which both measurements are the same', () => {
    const { manifest } = sampleImage();
    const bare = memoryPlatform({ seed: 'sealing' }).launch({ manifest: { ...manifest, configuration: {} } });
    expect(bare.identity.codeMeasurement).toEqual(bare.identity.measurement);
    const request = { label: 'root', salt: Buffer.alloc(32) };
    const keys = (['measurement', 'code'] as const).map((policy) => bare.sealingKey({ ...request, policy }));
    expect(keys[0]).not.toEqual(keys[1]);
  });
});

describe('blob sealed to a signer', () => {
  const SIGNER = { policy: 'signer', label: 'root' } as const;
  const ours = { author: 'a', securityVersion: 2 };

  it('opens in newer versions of the author and product, and in none older', async () => {
    const samples = [ours, { ...ours, code: 'v3', securityVersion: 3 }, { ...ours, code: 'v1', securityVersion: 1 }];
    const [sealer, newer, older] = enclaves(...samples) as [LaunchedEnclave, LaunchedEnclave, LaunchedEnclave];
    const blob = await sealBlob(sealer, SECRET, SIGNER);
    expect(await codeOf(openBlob(newer, blob, SIGNER))).toBe('opened');
    expect(await codeOf(openBlob(older, blob, SIGNER))).toBe('ENCLAVE_VERSION_TOO_OLD');
  });

  it('stays closed for other authors, products, debug enclaves and those without author', async () => {
    const blob = await sealBlob(enclave(ours), SECRET, SIGNER);
    for (const sample of [{ ...ours, author: 'b' }, { ...ours, product: 'x' }, { ...ours, isDebug: true }, {}]) {
      expect(await codeOf(openBlob(enclave(sample), blob, SIGNER))).toBe('ENCLAVE_SIGNER_MISMATCH');
    }
    expect(await codeOf(sealBlob(enclave(), SECRET, SIGNER))).toBe('ENCLAVE_SIGNER_MISMATCH');
  });

  it('is not taken for a blob of the enclave itself, nor the other way round', async () => {
    const [sealer, older] = enclaves(ours, { ...ours, code: 'v1', securityVersion: 1 }) as [
      LaunchedEnclave,
      LaunchedEnclave,
    ];
    const madeUp = await sealBlob(older, Buffer.from('a root that an attacker knows'), SIGNER);
    expect(await codeOf(openBlob(sealer, madeUp, ROOT))).toBe('ENCLAVE_MEASUREMENT_MISMATCH');
    const own = await sealBlob(sealer, SECRET, ROOT);
    expect(await codeOf(openBlob(sealer, own, SIGNER))).toBe('ENCLAVE_SIGNER_MISMATCH');
  });

  it('does not open as an older version by lowering the version in its header', async () => {
    const blob = await sealBlob(enclave(ours), SECRET, SIGNER);
    const lowered = Buffer.from(blob);
    lowered.writeUInt32BE(1, 12);
    const older = enclave({ ...ours, securityVersion: 1 });
    expect(await codeOf(openBlob(older, redigested(lowered), SIGNER))).toBe('ENCLAVE_BLOB_DAMAGED');
  });
});

describe('counter of a blob', () => {
  it('leaves the blob before open until the new one is known to be stored', async () => {
    const sealer = enclave();
    const first = await sealBlob(sealer, SECRET, COUNTED);
    expect(await codeOf(openBlob(sealer, first, COUNTED))).toBe('opened');
    const lost = await sealBlob(sealer, SECRET, COUNTED);
    // The engine stopped before it could store the second one.
    expect(await codeOf(openBlob(sealer, first, COUNTED))).toBe('opened');
    const third = await sealBlob(sealer, SECRET, COUNTED);
    await commitBlob(sealer, third);
    expect([await codeOf(openBlob(sealer, first, COUNTED)), await codeOf(openBlob(sealer, lost, COUNTED))]).toEqual([
      'ENCLAVE_ROLLED_BACK',
      'ENCLAVE_ROLLED_BACK',
    ]);
    expect(await codeOf(openBlob(sealer, third, COUNTED))).toBe('opened');
  });

  it('makes older blobs void when a newer one is opened', async () => {
    const sealer = enclave();
    const [first, second] = [await sealBlob(sealer, SECRET, COUNTED), await sealBlob(sealer, SECRET, COUNTED)];
    expect(await codeOf(openBlob(sealer, second, COUNTED))).toBe('opened');
    expect(await codeOf(openBlob(sealer, first, COUNTED))).toBe('ENCLAVE_ROLLED_BACK');
  });

  it('that was put back is noticed by a newer blob, and by a keeper outside', async () => {
    const counters = new MemoryCounters();
    const sealer = memoryPlatform({ seed: 'sealing', counters }).launch(sampleImage());
    const first = await sealBlob(sealer, SECRET, COUNTED);
    const then = counters.table;
    const second = await sealBlob(sealer, SECRET, COUNTED);
    counters.table = then;
    expect(await codeOf(openBlob(sealer, second, COUNTED))).toBe('ENCLAVE_ROLLED_BACK');
    await expect(commitBlob(sealer, second)).rejects.toMatchObject({ code: 'ENCLAVE_ROLLED_BACK' });
    expect(await codeOf(openBlob(sealer, first, { ...COUNTED, expectedAtLeast: 2 }))).toBe('ENCLAVE_ROLLED_BACK');
    // All put back together, with nobody outside to tell: what the emulation cannot notice.
    expect(await codeOf(openBlob(sealer, first, COUNTED))).toBe('opened');
  });

  it('cannot be left out', async () => {
    const sealer = enclave();
    const bare = await sealBlob(sealer, SECRET, ROOT);
    expect(await codeOf(openBlob(sealer, bare, COUNTED))).toBe('ENCLAVE_LABEL_MISMATCH');
    expect(await codeOf(openBlob(sealer, await sealBlob(sealer, SECRET, COUNTED), ROOT))).toBe(
      'ENCLAVE_LABEL_MISMATCH',
    );
  });

  it('leaves, for any order of sealing, storing and crashing, exactly the blobs since the last stored one open', async () => {
    const step = fc.constantFrom('seal', 'store', 'open');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(step, fc.nat()), { maxLength: 12 }), async (steps) => {
        const sealer = enclave();
        const blobs: Buffer[] = [];
        let stored = 0;
        for (const [action, pick] of steps) {
          if (action === 'seal' || blobs.length === 0) {
            blobs.push(await sealBlob(sealer, SECRET, COUNTED));
            continue;
          }
          const chosen = pick % blobs.length;
          const blob = blobs[chosen] as Buffer;
          if (action === 'store') await commitBlob(sealer, blob);
          else {
            const expected = chosen >= stored ? 'opened' : 'ENCLAVE_ROLLED_BACK';
            expect(await codeOf(openBlob(sealer, blob, COUNTED))).toBe(expected);
          }
          stored = Math.max(stored, chosen);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('sealed file', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sealed-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('holds the newest state, over restarts, and refuses an older one', async () => {
    const start = async (): Promise<LaunchedEnclave> =>
      (await openPlatform({ directory: join(directory, 'platform') })).launch(sampleImage());
    const file = { directory, name: 'root.sealed' };
    expect(await readSealedFile(await start(), file, COUNTED)).toBeUndefined();
    await writeSealedFile(await start(), file, SECRET, COUNTED);
    const older = readFileSync(join(directory, file.name));
    await writeSealedFile(await start(), file, Buffer.from('newer'), COUNTED);
    expect(await readSealedFile(await start(), file, COUNTED)).toEqual(Buffer.from('newer'));
    writeFileSync(join(directory, file.name), older);
    await expect(readSealedFile(await start(), file, COUNTED)).rejects.toMatchObject({ code: 'ENCLAVE_ROLLED_BACK' });
  });
});
