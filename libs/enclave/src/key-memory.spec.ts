import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileVault } from './file-vault';
import { KeyMemory } from './key-memory';
import { SecretStore } from './memory/secret-store';
import { blake2b } from './sodium';
import { readEvent } from './testing/sample-events';
import { shippedFields } from './testing/shipped-fields';

const withCode = (code: string) => expect.objectContaining({ code });

/** The encrypted memory of what `make` makes. */
function storeOf(make: () => unknown): SecretStore {
  const create = jest.spyOn(SecretStore, 'create');
  make();
  const store = create.mock.results[0]?.value as SecretStore;
  create.mockRestore();
  return store;
}

describe('KeyMemory', () => {
  let memory: KeyMemory;
  beforeEach(() => (memory = new KeyMemory()));
  afterEach(() => memory.close());

  const keyAt = (place: number): string => memory.lendKey(place).toString('hex');

  it('makes another key each time, with the content secret that is derived from it, and keeps them', () => {
    const places = Array.from({ length: 300 }, () => memory.make());
    const keys = places.map(keyAt);
    expect(new Set(keys).size).toBe(300);
    memory.evict();
    expect(places.map(keyAt)).toEqual(keys);
    for (const place of places) {
      const derived = Buffer.alloc(32);
      blake2b(derived, Buffer.from('protego/content/1'), memory.lendKey(place));
      expect(memory.lendContentSecret(place)).toEqual(derived);
    }
  });

  it('lends no key of a place that was freed, also where another key is put there', () => {
    const places = Array.from({ length: 40 }, (_, i) => memory.put(Buffer.alloc(32, i + 1)));
    expect(keyAt(7)).toBe('08'.repeat(32));
    memory.free(7);
    expect(() => memory.lendKey(7)).toThrow(withCode('ENCLAVE_SLOT_UNKNOWN'));
    expect(memory.put(Buffer.alloc(32, 0x99))).toBe(7);
    expect(places.map(keyAt)[7]).toBe('99'.repeat(32));
  });

  it('wipes what it lent when keys are evicted, freed, or all wiped', () => {
    const place = memory.put(Buffer.alloc(32, 5));
    const lent = memory.lendKey(place);
    memory.evict();
    expect(lent).toEqual(Buffer.alloc(32));
    expect(memory.lendKey(place)).toEqual(Buffer.alloc(32, 5));
    memory.free(place);
    expect(lent).toEqual(Buffer.alloc(32));
    memory.close();
    expect(lent).toHaveLength(0);
  });
});

describe('a vault whose memory was altered', () => {
  it('refuses everything from then on, and can be closed', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'protego-vault-'));
    let opening: Promise<FileVault> | undefined;
    const options = { directory, mode: 'write', root: Buffer.alloc(32, 3), fields: shippedFields() } as const;
    const store = storeOf(() => (opening = FileVault.open(options)));
    const vault = (await opening) as FileVault;
    const { sealed, body } = vault.seal(readEvent);
    const event = JSON.parse(body.toString()) as typeof readEvent;
    await vault.flush();
    vault.evictKeys();
    store.backing.tag(0)[0]! ^= 1;
    expect(() => vault.seal(readEvent)).toThrow(withCode('ENCLAVE_MEMORY_FAULT'));
    const locked = withCode('ENCLAVE_LOCKED');
    const plain = { ...readEvent, type: 'device.joined', data: {} };
    for (const act of [
      () => vault.seal(readEvent),
      () => vault.seal(plain),
      () => vault.reveal(event, sealed),
      () => vault.openForPipeline(event, sealed),
      () => vault.slotKeys(sealed),
      () => vault.sealText(Buffer.from('x'), 'ehr', 0),
      () => vault.openText(sealed),
      () => vault.find('p-016'),
      () => vault.tokensOf('p-016'),
      () => vault.namesakesOf(['p-016']),
      () => vault.applyChange(Buffer.alloc(256), 1),
      () => vault.evictKeys(),
    ])
      expect(act).toThrow(locked);
    await expect(vault.flush()).rejects.toThrow(locked);
    await expect(vault.destroy([])).rejects.toThrow(locked);
    await vault.close();
    // What was durable is there after a start.
    const again = await FileVault.open(options);
    expect(again.reveal(event, sealed).event).toEqual(readEvent);
    await again.close();
    rmSync(directory, { recursive: true });
  });
});
