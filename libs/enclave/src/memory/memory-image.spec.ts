import { createHash } from 'node:crypto';
import { EncryptedMemory } from './encrypted-memory';
import { memoryImageOf } from './memory-image';

const SECRET = Buffer.alloc(4096, 'one secret after the other ');

describe('memoryImageOf', () => {
  it('shows ciphertext only, of the pages that were written and left the cache', () => {
    const memory = EncryptedMemory.create({ bytes: 1 << 20, cachePages: 4 });
    for (const page of [3, 7]) memory.write(page * 4096, SECRET);
    expect(memoryImageOf(memory.stats, memory.backing)).toMatchObject({ storedPages: 0, excerpt: [], cachedPages: 2 });
    memory.flush();
    const image = memoryImageOf(memory.stats, memory.backing);
    expect(image).toMatchObject({ storedPages: 2, pageBytes: 4096, cachedPages: 0, reEncryptions: 2, faults: 0 });
    expect(image.excerpt.map(({ page }) => page)).toEqual([3, 7]);
    const stored = [3, 7].map((page) => memory.backing.ciphertext(page));
    expect(image.sha256).toBe(createHash('sha256').update(Buffer.concat(stored)).digest('hex'));
    expect(image.excerpt[0]?.ciphertext).toBe(stored[0]?.toString('hex', 0, 32));
    expect(Buffer.concat(stored).includes(SECRET.subarray(0, 8))).toBe(false);
    memory.close();
  });

  it('is another one after the same bytes were written again', () => {
    const memory = EncryptedMemory.create({ bytes: 1 << 16, cachePages: 4 });
    const imageOfWritten = (): string => {
      memory.write(0, SECRET);
      memory.flush();
      return memoryImageOf(memory.stats, memory.backing).sha256;
    };
    expect(imageOfWritten()).not.toBe(imageOfWritten());
    memory.close();
  });
});
