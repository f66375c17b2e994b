import { createDecipheriv } from 'node:crypto';
import { MEMORY_CRYPTO, type MemoryCrypto } from '../memory/encrypted-memory';
import { type NodeMac } from '../memory/node-mac';
import { type PageCipher, type PageVersion } from '../memory/page-cipher';

/** Encrypted memory with one check left out each: tests of memory must find every one of them. */
export const MEMORY_DEFECTS: Readonly<Record<string, MemoryCrypto>> = {
  'the tag of a page is not checked': withPages((sound, key) => ({
    seal: (place, ...rest) => sound.seal(place, ...rest),
    open: (place, ciphertext, _tag, plaintext) => openUnchecked(key, place, ciphertext, plaintext),
  })),
  'the last byte of the tag of a page is not checked': withPages((sound, key) => ({
    seal: (place, ...rest) => sound.seal(place, ...rest),
    open: (place, ciphertext, tag, plaintext) => {
      openUnchecked(key, place, ciphertext, plaintext);
      const [again, expected] = [Buffer.alloc(ciphertext.length), Buffer.alloc(tag.length)];
      sound.seal(place, plaintext, again, expected);
      return expected.subarray(0, -1).equals(tag.subarray(0, -1));
    },
  })),
  'the number of a page is not bound': withPlaces((place) => ({ ...place, page: 0 })),
  'the version of a page is not bound': withPlaces((place) => ({ ...place, versionLow: 0, versionHigh: 0 })),
  'the MAC of a node is not checked': withNodes((sound) => ({
    compute: (...all) => sound.compute(...all),
    matches: () => true,
  })),
  'the last word of the MAC of a node is not checked': withNodes((sound) => ({
    compute: (...all) => sound.compute(...all),
    matches: (computed, words, at) => [0, 1, 2].every((i) => computed[i] === words[at + i]),
  })),
  'the counter of the parent is not bound': withNodes((sound) => ({
    compute: (place, ...rest) => sound.compute({ ...place, parentLow: 0, parentHigh: 0 }, ...rest),
    matches: (...all) => sound.matches(...all),
  })),
  'the place of a node is not bound': withNodes((sound) => ({
    compute: (place, ...rest) => sound.compute({ ...place, index: 0 }, ...rest),
    matches: (...all) => sound.matches(...all),
  })),
};

function withPages(defectOf: (sound: PageCipher, key: Buffer) => PageCipher): MemoryCrypto {
  return { ...MEMORY_CRYPTO, pageCipher: (key) => defectOf(MEMORY_CRYPTO.pageCipher(key), key) };
}

function withPlaces(placeOf: (place: PageVersion) => PageVersion): MemoryCrypto {
  return withPages((sound) => ({
    seal: (place, ...rest) => sound.seal(placeOf(place), ...rest),
    open: (place, ...rest) => sound.open(placeOf(place), ...rest),
  }));
}

function withNodes(defectOf: (sound: NodeMac) => NodeMac): MemoryCrypto {
  return { ...MEMORY_CRYPTO, nodeMac: (key, scratch) => defectOf(MEMORY_CRYPTO.nodeMac(key, scratch)) };
}

function openUnchecked(key: Buffer, place: PageVersion, ciphertext: Buffer, plaintext: Buffer): boolean {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32LE(place.page, 0);
  nonce.writeUInt32LE(place.versionLow, 4);
  nonce.writeUInt32LE(place.versionHigh, 8);
  // Without `final` nothing is verified.
  createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 }).update(ciphertext).copy(plaintext);
  return true;
}
