import { createDecipheriv } from 'node:crypto';
import { increment } from './counter-tree';
import { Blake2bNodeMac, MAC_SCRATCH_BYTES } from './node-mac';
import { ChaChaPageCipher, PAGE_BYTES } from './page-cipher';

const KEY = Buffer.alloc(32, 3);

describe('ChaChaPageCipher', () => {
  const plaintext = Buffer.alloc(PAGE_BYTES, 'a page ');
  const place = { page: 7, versionLow: 9, versionHigh: 1 };

  function sealed() {
    const [ciphertext, tag] = [Buffer.alloc(PAGE_BYTES), Buffer.alloc(16)];
    new ChaChaPageCipher(KEY).seal(place, plaintext, ciphertext, tag);
    return { ciphertext, tag };
  }

  it('is what RFC 8439 says, with page and version as the nonce', () => {
    const { ciphertext, tag } = sealed();
    const nonce = Buffer.from('070000000900000001000000', 'hex');
    const decipher = createDecipheriv('chacha20-poly1305', KEY, nonce, { authTagLength: 16 }).setAuthTag(tag);
    expect(Buffer.concat([decipher.update(ciphertext), decipher.final()])).toEqual(plaintext);
  });

  it('opens in its place and version only, and gives nothing out elsewhere', () => {
    const { ciphertext, tag } = sealed();
    const cipher = new ChaChaPageCipher(KEY);
    const target = Buffer.alloc(PAGE_BYTES);
    for (const other of [{ page: 8 }, { versionLow: 10 }, { versionHigh: 0 }]) {
      expect(cipher.open({ ...place, ...other }, ciphertext, tag, target)).toBe(false);
      expect(target).toEqual(Buffer.alloc(PAGE_BYTES));
    }
    expect(cipher.open(place, ciphertext, tag, target)).toBe(true);
    expect(target).toEqual(plaintext);
  });
});

describe('Blake2bNodeMac', () => {
  const place = { level: 1, index: 5, parentLow: 6, parentHigh: 7 };
  const counters = Uint32Array.from({ length: 20 }, (_, i) => i * 0x01010101);
  const macOf = (changed: Partial<typeof place> = {}, words = counters, key = KEY): string =>
    [...new Blake2bNodeMac(key, Buffer.alloc(MAC_SCRATCH_BYTES)).compute({ ...place, ...changed }, words, 2)].join();

  it('depends on key, place, the counter of the parent and every counter', () => {
    const macs = [macOf(), macOf({ level: 2 }), macOf({ index: 6 }), macOf({ parentLow: 7 }), macOf({ parentHigh: 6 })];
    macs.push(macOf({}, counters, Buffer.alloc(32, 4)));
    for (let i = 2; i < 18; i++) macs.push(macOf({}, counters.with(i, 1)));
    expect(new Set(macs).size).toBe(macs.length);
    expect([macOf({}, counters.with(1, 9)), macOf({}, counters.with(18, 9))]).toEqual([macOf(), macOf()]);
  });

  it('compares all words', () => {
    const mac = new Blake2bNodeMac(KEY, Buffer.alloc(MAC_SCRATCH_BYTES));
    const words = Uint32Array.of(0, 1, 2, 3, 4);
    expect(mac.matches(Uint32Array.of(1, 2, 3, 4), words, 1)).toBe(true);
    for (let i = 0; i < 4; i++)
      expect(mac.matches(Uint32Array.of(1, 2, 3, 4).with(i, 0x80000000), words, 1)).toBe(false);
  });
});

describe('a counter', () => {
  it.each([
    [
      [0, 0],
      [1, 0],
    ],
    [
      [0xfffffffe, 0],
      [0xffffffff, 0],
    ],
    [
      [0xffffffff, 0],
      [0, 1],
    ],
    [
      [0xffffffff, 0xfffffffe],
      [0, 0xffffffff],
    ],
  ])('goes from %j to %j', (before, after) => {
    const words = Uint32Array.of(9, ...before, 9);
    increment(words, 1);
    expect([...words]).toEqual([9, ...after, 9]);
  });
});
