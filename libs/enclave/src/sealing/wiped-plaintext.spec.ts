import type { LaunchedEnclave } from '../platform/platform';
import { openAesGcm } from '../primitives/aes-gcm';
import { MemoryCounters, memoryPlatform } from '../testing/memory-platform';
import { sampleImage } from '../testing/sample-enclaves';
import { openBlob, sealBlob } from './sealed-blob';

type AesGcm = typeof import('../primitives/aes-gcm');

jest.mock('../primitives/aes-gcm', () => {
  const actual: AesGcm = jest.requireActual('../primitives/aes-gcm');
  return { ...actual, openAesGcm: jest.fn(actual.openAesGcm) };
});

const SECRET = Buffer.from('the root secret of a site, really');
const COUNTED = { policy: 'measurement', label: 'root', counter: 'root' } as const;

/** What was decrypted last. */
function opened(): Buffer {
  return jest.mocked(openAesGcm).mock.results.at(-1)?.value as Buffer;
}

describe('plaintext of a blob', () => {
  const counters = new MemoryCounters();
  const enclave: LaunchedEnclave = memoryPlatform({ seed: 'wiping', counters }).launch(sampleImage());

  it('is given to the caller, and wiped when the counter refuses the blob', async () => {
    const older = await sealBlob(enclave, SECRET, COUNTED);
    expect((await openBlob(enclave, older, COUNTED)).equals(SECRET)).toBe(true);
    expect(opened().equals(SECRET)).toBe(true);
    await openBlob(enclave, await sealBlob(enclave, SECRET, COUNTED), COUNTED);
    await expect(openBlob(enclave, older, COUNTED)).rejects.toMatchObject({ code: 'ENCLAVE_ROLLED_BACK' });
    expect(opened()).toEqual(Buffer.alloc(SECRET.length));
  });
});
