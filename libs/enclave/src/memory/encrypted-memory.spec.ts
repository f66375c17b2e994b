import { inspect } from 'node:util';
import { ProtegoError } from '@protego/contracts';
import { EncryptedMemory, type EncryptedMemoryOptions, type MemoryFault } from './encrypted-memory';
import { GuardedBytes, guardedMemoryUse } from './guarded-memory';
import { PAGE_BYTES } from './page-cipher';

const opened: EncryptedMemory[] = [];

function newMemory(options: Partial<EncryptedMemoryOptions> = {}): EncryptedMemory {
  const memory = EncryptedMemory.create({ bytes: 100 * PAGE_BYTES, cachePages: 4, ...options });
  opened.push(memory);
  return memory;
}

afterEach(() => {
  for (const memory of opened.splice(0)) memory.close();
});

function readAt(memory: EncryptedMemory, offset: number, length: number): Buffer {
  const target = Buffer.alloc(length);
  memory.read(offset, target);
  return target;
}

function damage(memory: EncryptedMemory, page: number): void {
  memory.flush();
  memory.backing.ciphertext(page)[100]! ^= 1;
}

const withCode = (code: string) => expect.objectContaining({ code });

describe('EncryptedMemory', () => {
  it.each([1, 4_095, 8 * PAGE_BYTES, 8 * PAGE_BYTES + 1, 513 * PAGE_BYTES - 7])(
    'is all zeros at first: %i bytes',
    (bytes) => {
      const memory = newMemory({ bytes });
      expect(readAt(memory, 0, bytes).every((byte) => byte === 0)).toBe(true);
      expect(memory.backing.allocatedBytes).toBe(0);
    },
  );

  it('keeps its last byte', () => {
    const memory = newMemory({ bytes: 513 * PAGE_BYTES - 7 });
    memory.write(memory.bytes - 1, Buffer.from([7]));
    memory.flush();
    expect(readAt(memory, memory.bytes - 2, 2)).toEqual(Buffer.from([0, 7]));
  });

  it('has only ciphertext outside, another each time', () => {
    const memory = newMemory();
    const secret = Buffer.alloc(PAGE_BYTES, 'a secret that is easily seen ');
    const seen = new Set<string>();
    for (let i = 0; i < 20; i++) {
      memory.write(0, secret);
      memory.flush();
      const ciphertext = memory.backing.ciphertext(0);
      expect(ciphertext.includes('secret')).toBe(false);
      seen.add(ciphertext.toString('latin1'));
    }
    expect(seen.size).toBe(20);
  });

  it('grows its backing store as pages are written', () => {
    const memory = newMemory({ bytes: 1024 ** 3 });
    memory.write(0, Buffer.from('a'));
    memory.write(1024 ** 3 - 1, Buffer.from('z'));
    memory.flush();
    expect(memory.backing.allocatedBytes).toBe(2 * 64 * (PAGE_BYTES + 16));
    expect(readAt(memory, 1024 ** 3 - 1, 1).toString()).toBe('z');
  });

  it('counts hits, misses, evictions and what was encrypted anew', () => {
    const memory = newMemory({ cachePages: 2 });
    expect(memory.stats.hitRate).toBe(0);
    memory.write(0, Buffer.from('a'));
    for (const page of [0, 1, 2, 3]) readAt(memory, page * PAGE_BYTES, 1);
    const stats = { hits: 1, misses: 4, hitRate: 0.2, evictions: 2, reEncryptions: 1, faults: 0, cachedPages: 2 };
    expect(memory.stats).toEqual(stats);
    memory.flush();
    expect(memory.stats).toEqual({ ...stats, evictions: 4, cachedPages: 0 });
  });

  it('takes guarded memory as pages are used, up to the most, and does with what there is', () => {
    const memory = newMemory({ bytes: 400 * PAGE_BYTES, cachePages: 150 });
    const before = guardedMemoryUse().bytes;
    const writeTo = (page: number): void => memory.write(page * PAGE_BYTES, Buffer.alloc(8, page));
    for (let page = 0; page < 64; page++) writeTo(page);
    expect(guardedMemoryUse().bytes).toBe(before);
    writeTo(64);
    expect(guardedMemoryUse().bytes).toBe(before + 64 * PAGE_BYTES);
    const allocate = jest.spyOn(GuardedBytes, 'allocate').mockImplementationOnce(() => {
      throw new ProtegoError('GUARDED_MEMORY_FULL', 'full');
    });
    for (let page = 65; page < 400; page++) writeTo(page);
    expect(allocate).toHaveBeenCalledTimes(1);
    allocate.mockRestore();
    expect([guardedMemoryUse().bytes - before, memory.stats.cachedPages]).toEqual([64 * PAGE_BYTES, 128]);
    for (let page = 0; page < 400; page++)
      expect(readAt(memory, page * PAGE_BYTES, 8).equals(Buffer.alloc(8, page))).toBe(true);
  });

  it('copies half words of one page', () => {
    const memory = newMemory();
    const halfWords = Uint16Array.of(0xffff, 1, 0x8000, 7);
    memory.write(PAGE_BYTES - 4, Buffer.from(halfWords.buffer));
    const target = new Uint16Array(4);
    memory.readHalfWords(PAGE_BYTES - 4, 2, target, 1);
    memory.readHalfWords(PAGE_BYTES, 1, target, 3);
    expect([...target]).toEqual([0, 0xffff, 1, 0x8000]);
    expect(() => memory.readHalfWords(PAGE_BYTES - 4, 3, target, 0)).toThrow(withCode('ENCLAVE_RANGE_INVALID'));
  });

  it('keeps pages that are used rather than others', () => {
    const memory = newMemory({ cachePages: 4 });
    for (let page = 1; page < 60; page++) {
      readAt(memory, 0, 1);
      readAt(memory, page * PAGE_BYTES, 1);
    }
    expect(memory.stats.misses).toBeLessThan(60 + 20);
  });

  it.each([
    [-1, 1],
    [0.5, 1],
    [Number.NaN, 1],
    [100 * PAGE_BYTES, 1],
    [100 * PAGE_BYTES - 1, 2],
  ])('refuses what is out of range: %d, %d bytes', (offset, length) => {
    const memory = newMemory();
    const refused = withCode('ENCLAVE_RANGE_INVALID');
    expect(() => memory.read(offset, Buffer.alloc(length))).toThrow(refused);
    expect(() => memory.write(offset, Buffer.alloc(length))).toThrow(refused);
    expect(() => memory.withBytes(offset, length, () => 0)).toThrow(refused);
    expect(() => memory.zero(offset, length)).toThrow(refused);
    expect(memory.isLocked).toBe(false);
  });

  it.each([{ bytes: 0 }, { bytes: 1.5 }, { bytes: 2 ** 40 }, { cachePages: 1 }, { cachePages: 1e9 }])(
    'refuses to be made with %j',
    (options) => {
      expect(() => newMemory(options)).toThrow(withCode('ENCLAVE_RANGE_INVALID'));
    },
  );
});

describe('a fault', () => {
  it('wipes and locks, is told once, and gives nothing out', () => {
    const faults: MemoryFault[] = [];
    const memory = newMemory({ onFault: (fault) => faults.push(fault) });
    memory.write(3 * PAGE_BYTES, Buffer.alloc(PAGE_BYTES, 1));
    damage(memory, 3);
    const target = Buffer.alloc(10, 9);
    expect(() => memory.read(3 * PAGE_BYTES, target)).toThrow(withCode('ENCLAVE_MEMORY_FAULT'));
    expect(target).toEqual(Buffer.alloc(10, 9));
    expect(faults).toEqual([{ kind: 'page', page: 3 }]);
    expect(memory.isLocked).toBe(true);
    expect(memory.stats).toMatchObject({ faults: 1, cachedPages: 0 });
    const locked = withCode('ENCLAVE_LOCKED');
    expect(() => memory.read(0, target)).toThrow(locked);
    expect(() => memory.write(0, target)).toThrow(locked);
    expect(() => memory.withBytes(0, 1, () => 0)).toThrow(locked);
    expect(() => memory.changeBytes(0, 1, () => 0)).toThrow(locked);
    expect(() => memory.zero(0, 1)).toThrow(locked);
    expect(() => memory.flush()).toThrow(locked);
    expect(faults).toHaveLength(1);
    memory.close();
    expect(memory.isLocked).toBe(true);
    expect(() => memory.read(0, target)).toThrow(locked);
  });

  it('names the level of a node', () => {
    const faults: MemoryFault[] = [];
    const memory = newMemory({ onFault: (fault) => faults.push(fault) });
    memory.write(90 * PAGE_BYTES, Buffer.from('a'));
    memory.flush();
    memory.backing.nodeMac(1, 1)[0]! ^= 1;
    expect(() => readAt(memory, 91 * PAGE_BYTES, 1)).toThrow(withCode('ENCLAVE_MEMORY_FAULT'));
    expect(faults).toEqual([{ kind: 'tree-node', page: 64, level: 1 }]);
  });

  it('in the middle of a long read leaves nothing of it', () => {
    const memory = newMemory();
    memory.write(0, Buffer.alloc(3 * PAGE_BYTES, 1));
    damage(memory, 2);
    const target = Buffer.alloc(3 * PAGE_BYTES, 9);
    expect(() => memory.read(0, target)).toThrow(withCode('ENCLAVE_MEMORY_FAULT'));
    expect(target.includes(1)).toBe(false);
  });

  it('empties what is lent out', () => {
    const memory = newMemory();
    memory.write(0, Buffer.alloc(2 * PAGE_BYTES, 1));
    damage(memory, 1);
    let lengthAfter = -1;
    const nested = (lent: Buffer): void => {
      expect(lent[0]).toBe(1);
      expect(() => readAt(memory, PAGE_BYTES, 1)).toThrow(withCode('ENCLAVE_MEMORY_FAULT'));
      lengthAfter = lent.length;
    };
    memory.withBytes(0, 64, nested);
    expect(lengthAfter).toBe(0);
  });

  it('is thrown also when it cannot be told', () => {
    const cause = new Error('nobody listens');
    const onFault = (): never => {
      throw cause;
    };
    const memory = newMemory({ onFault });
    memory.write(0, Buffer.from('a'));
    damage(memory, 0);
    expect(() => readAt(memory, 0, 1)).toThrow(expect.objectContaining({ code: 'ENCLAVE_MEMORY_FAULT', cause }));
  });

  it('is found before a version is counted, so that no nonce recurs', () => {
    // Large enough that the node of one page takes the place of the node of another.
    const memory = newMemory({ bytes: 4_100 * PAGE_BYTES });
    memory.write(0, Buffer.from('a'));
    memory.flush();
    const older = Buffer.from(memory.backing.node(0, 0));
    memory.write(0, Buffer.from('b'));
    memory.flush();
    memory.write(0, Buffer.from('c'));
    readAt(memory, 4_096 * PAGE_BYTES, 1);
    older.copy(memory.backing.node(0, 0));
    const ciphertext = Buffer.from(memory.backing.ciphertext(0));
    expect(() => memory.flush()).toThrow(withCode('ENCLAVE_MEMORY_FAULT'));
    expect(memory.backing.ciphertext(0)).toEqual(ciphertext);
  });
});

describe('lending', () => {
  it('lends a page that stays while others come and go', () => {
    const memory = newMemory({ cachePages: 2 });
    memory.write(5, Buffer.from('lent'));
    const text = memory.withBytes(5, 4, (lent) => {
      for (let page = 1; page < 20; page++) readAt(memory, page * PAGE_BYTES, 1);
      return lent.toString();
    });
    expect(text).toBe('lent');
  });

  it('refuses what would need more pages than there are', () => {
    const memory = newMemory({ cachePages: 2 });
    const lendFrom = (page: number): number =>
      memory.withBytes(page * PAGE_BYTES, 1, () => (page === 2 ? page : lendFrom(page + 1)));
    expect(() => lendFrom(0)).toThrow(withCode('ENCLAVE_PAGES_LENT'));
    expect(readAt(memory, 5 * PAGE_BYTES, 1)).toEqual(Buffer.alloc(1));
  });

  it('does not flush meanwhile, and does afterwards', () => {
    const memory = newMemory();
    expect(() => memory.withBytes(0, 1, () => memory.flush())).toThrow(withCode('ENCLAVE_PAGES_LENT'));
    memory.flush();
    expect(memory.stats.cachedPages).toBe(0);
  });

  it('refuses functions that do not return at once, and ranges across pages', () => {
    const memory = newMemory();
    const refused = withCode('ENCLAVE_RANGE_INVALID');
    expect(() => memory.withBytes(0, 1, async () => 0)).toThrow(refused);
    expect(() => memory.withBytes(PAGE_BYTES - 1, 2, () => 0)).toThrow(refused);
    expect(() => memory.withBytes(0, 0, () => 0)).toThrow(refused);
  });

  it('keeps what was changed', () => {
    const memory = newMemory();
    memory.changeBytes(10, 3, (lent) => lent.write('abc'));
    memory.flush();
    expect(readAt(memory, 10, 3).toString()).toBe('abc');
    memory.zero(11, 1);
    memory.flush();
    expect(readAt(memory, 10, 3).toString()).toBe('a\0c');
  });
});

describe('a page that leaves the cache', () => {
  it.each(['is evicted', 'is flushed', 'is freed'])('is zeroed when it %s', (how) => {
    const memory = newMemory({ cachePages: 2 });
    memory.write(0, Buffer.alloc(64, 1));
    // A view that is kept sees what nobody should.
    const kept = memory.withBytes(0, 64, (lent) => lent);
    expect(kept[0]).toBe(1);
    if (how === 'is evicted') for (let page = 1; page < 10; page++) readAt(memory, page * PAGE_BYTES, 1);
    else if (how === 'is flushed') memory.flush();
    else memory.zero(0, 64);
    expect(kept.equals(Buffer.alloc(64))).toBe(true);
  });
});

describe('closing', () => {
  it('wipes, once', () => {
    const memory = newMemory();
    memory.write(0, Buffer.from('a'));
    let lengthAfter = -1;
    memory.withBytes(0, 1, (lent) => {
      memory.close();
      lengthAfter = lent.length;
    });
    expect(lengthAfter).toBe(0);
    memory.close();
    expect(() => readAt(memory, 0, 1)).toThrow(withCode('ENCLAVE_CLOSED'));
    expect(memory.isLocked).toBe(false);
    expect(memory.stats.cachedPages).toBe(0);
  });

  it('shows nothing of what is inside', () => {
    const memory = newMemory();
    memory.write(0, Buffer.alloc(PAGE_BYTES, 'easily seen '));
    const shown = inspect(memory, { depth: 10, showHidden: true, maxArrayLength: 10_000 }) + JSON.stringify(memory);
    expect(shown).not.toContain('easily');
    expect(shown).not.toContain(Buffer.from('easily').toString('hex'));
    expect(shown).not.toContain([...Buffer.from('easily')].join(','));
    expect(shown).not.toMatch(/secrets|plaintext/);
  });
});
