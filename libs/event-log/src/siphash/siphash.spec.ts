import { crypto_shorthash } from 'sodium-native';
import fc from 'fast-check';
import { INPUT_BYTES_MAX } from './siphash-module';
import { SipHash } from './siphash';

const bytesFrom = (first: number, count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, i) => first + i));
const REFERENCE_KEY = bytesFrom(0, 16);

function hashOf({ low, high }: SipHash): string {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(low, 0);
  bytes.writeUInt32LE(high, 4);
  return bytes.toString('hex');
}

function sodiumHashOf(input: Buffer, key: Buffer): string {
  const digest = Buffer.alloc(8);
  crypto_shorthash(digest, input, key);
  return digest.toString('hex');
}

describe('SipHash', () => {
  it.each([
    [0, '310e0edd47db6f72'],
    [1, 'fd67dc93c539f874'],
    [7, '37d1018bf50002ab'],
    [8, '6224939a79f5f593'],
    [15, 'e545be4961ca29a1'],
    [63, '724506eb4c328a95'],
  ])('gives the vector of its authors for %i bytes', (length, expected) => {
    const hasher = new SipHash(REFERENCE_KEY);
    hasher.hashBytes(bytesFrom(0, length));
    expect(hashOf(hasher)).toBe(expected);
  });

  it('hashes any text and any bytes under any key as libsodium does, whatever was hashed before', () => {
    const text = fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: 'binary', maxLength: 60 }));
    const key = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(fc.array(fc.tuple(text, fc.uint8Array({ maxLength: 60 }), key), { maxLength: 8 }), (inputs) => {
        for (const [one, bytes, keyBytes] of inputs) {
          const hasher = new SipHash(Buffer.from(keyBytes));
          hasher.hash(one);
          expect(hashOf(hasher)).toBe(sodiumHashOf(Buffer.from(one, 'utf8'), Buffer.from(keyBytes)));
          hasher.hashBytes(bytes);
          expect(hashOf(hasher)).toBe(sodiumHashOf(Buffer.from(bytes), Buffer.from(keyBytes)));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('hashes two texts with a NUL between them, however long', () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 30 }), fc.constant('ä€'.repeat(6_000)));
    const hasher = new SipHash(REFERENCE_KEY);
    fc.assert(
      fc.property(text, text, (first, second) => {
        hasher.hashPair(first, second);
        expect(hashOf(hasher)).toBe(sodiumHashOf(Buffer.from(`${first}\0${second}`), REFERENCE_KEY));
      }),
      { numRuns: 200 },
    );
  });

  it('takes half a character for the one that stands for what cannot be told, as UTF-8 has it', () => {
    const hasher = new SipHash(REFERENCE_KEY);
    hasher.hash('a\ud800b');
    expect(hashOf(hasher)).toBe(sodiumHashOf(Buffer.from('a\ufffdb'), REFERENCE_KEY));
  });

  it.each([-1, 0, 1, 100_000])('hashes inputs that are longer than its memory by %i bytes', (more) => {
    const hasher = new SipHash(REFERENCE_KEY);
    const input = Buffer.alloc(INPUT_BYTES_MAX + more, 'x');
    hasher.hashBytes(input);
    expect(hashOf(hasher)).toBe(sodiumHashOf(input, REFERENCE_KEY));
    hasher.hash(input.toString());
    expect(hashOf(hasher)).toBe(sodiumHashOf(input, REFERENCE_KEY));
    const wide = 'ä€'.repeat(INPUT_BYTES_MAX / 6 + more / 6);
    hasher.hash(wide);
    expect(hashOf(hasher)).toBe(sodiumHashOf(Buffer.from(wide), REFERENCE_KEY));
  });

  it('takes only a key of 16 bytes, and keeps a copy of it', () => {
    expect(() => new SipHash(Buffer.alloc(15))).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    const key = Buffer.from(REFERENCE_KEY);
    const hasher = new SipHash(key);
    key.fill(0);
    hasher.hash('');
    expect(hashOf(hasher)).toBe('310e0edd47db6f72');
  });
});
