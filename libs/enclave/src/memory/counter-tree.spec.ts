import { EncryptedMemory, MEMORY_CRYPTO, type MemoryCrypto } from './encrypted-memory';
import { COUNTER_WORDS } from './node-mac';
import { PAGE_BYTES } from './page-cipher';

const PAGES = 200;

/** What somebody does who waits for a node to be verified, told where it is stored. */
let afterCheck: (stored: Uint32Array, nodeAt: number) => void;

const WATCHED: MemoryCrypto = {
  ...MEMORY_CRYPTO,
  nodeMac(key, scratch) {
    const sound = MEMORY_CRYPTO.nodeMac(key, scratch);
    return {
      compute: (...all) => sound.compute(...all),
      matches(computed, words, at) {
        const isMatch = sound.matches(computed, words, at);
        afterCheck(words, at - COUNTER_WORDS);
        return isMatch;
      },
    };
  },
};

describe('CounterTree', () => {
  it('uses what it verified, whatever is in the backing store by then', () => {
    afterCheck = () => undefined;
    const memory = EncryptedMemory.create({ bytes: PAGES * PAGE_BYTES, cachePages: 2 }, WATCHED);
    for (let page = 0; page < PAGES; page++) memory.write(page * PAGE_BYTES, Buffer.alloc(8, page));
    memory.flush();
    let altered = 0;
    afterCheck = (stored, nodeAt) => {
      altered++;
      for (let at = nodeAt; at < nodeAt + COUNTER_WORDS; at++) stored[at] = (stored[at] as number) + 1;
    };
    const target = Buffer.alloc(8);
    memory.read(0, target);
    expect(target).toEqual(Buffer.alloc(8));
    memory.read(PAGE_BYTES, target);
    expect(target).toEqual(Buffer.alloc(8, 1));
    expect([altered > 0, memory.isLocked]).toEqual([true, false]);
  });
});
