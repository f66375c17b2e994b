import { createHmac, hkdfSync } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { openAesGcm, sealAesGcm } from './aes-gcm';
import { argon2Hash } from './argon2';
import { Ed25519KeyPair, isEd25519Signature } from './ed25519';
import { HKDF_BYTES_MAX, hkdfSha256 } from './hkdf';
import { hmacSha256, hmacSha256Into, isHmacSha256 } from './hmac';
import { X25519KeyPair } from './x25519';

const UNSUPPORTED = expect.objectContaining({ code: 'CRYPTO_UNSUPPORTED' });
const REFUSED = expect.objectContaining({ code: 'CRYPTO_REFUSED' });
const of = (bytes: number, value = 1): Buffer => Buffer.alloc(bytes, value);
const bytesArbitrary = fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes));

describe('AES-GCM', () => {
  it('opens what it sealed, and nothing of which a bit was flipped', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(16, 24, 32),
        bytesArbitrary,
        bytesArbitrary,
        fc.nat(),
        (keyBytes, plaintext, additionalData, bit) => {
          const input = { key: of(keyBytes), nonce: of(12), additionalData };
          const sealed = sealAesGcm(input, plaintext);
          expect(sealed).toHaveLength(plaintext.length + 16);
          expect(openAesGcm(input, sealed)).toEqual(plaintext);
          const at = bit % (8 * sealed.length);
          sealed.writeUInt8(sealed.readUInt8(at >> 3) ^ (1 << (at & 7)), at >> 3);
          expect(() => openAesGcm(input, sealed)).toThrow(REFUSED);
        },
      ),
    );
  });

  it.each([15, 17, 0, 64])('takes no key of %i bytes', (keyBytes) => {
    expect(() => sealAesGcm({ key: of(keyBytes), nonce: of(12) }, of(1))).toThrow(UNSUPPORTED);
  });

  it.each([0, 8, 11, 13, 16])('takes no nonce of %i bytes', (nonceBytes) => {
    expect(() => sealAesGcm({ key: of(32), nonce: of(nonceBytes) }, of(1))).toThrow(UNSUPPORTED);
    expect(() => openAesGcm({ key: of(32), nonce: of(nonceBytes) }, of(17))).toThrow(UNSUPPORTED);
  });

  it('takes no shortened tag', () => {
    expect(() => openAesGcm({ key: of(32), nonce: of(12) }, of(15))).toThrow(UNSUPPORTED);
    const sealed = sealAesGcm({ key: of(32), nonce: of(12) }, of(20));
    expect(() => openAesGcm({ key: of(32), nonce: of(12) }, sealed.subarray(0, -4))).toThrow(REFUSED);
  });
});

describe('HKDF', () => {
  it.each([0, -1, 1.5, HKDF_BYTES_MAX + 1])('gives no key of %d bytes', (bytes) => {
    expect(() => hkdfSha256(of(32), of(0), of(0), bytes)).toThrow(UNSUPPORTED);
  });

  it('says when an info is too long', () => {
    expect(hkdfSha256(of(32), of(0), of(1024), 32)).toHaveLength(32);
    expect(() => hkdfSha256(of(32), of(0), of(1025), 32)).toThrow(UNSUPPORTED);
  });
});

describe('HKDF and HMAC in guarded memory', () => {
  const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));

  it('give what Node gives', () => {
    const property = fc.property(
      bytes(200),
      bytes(200),
      bytes(1024),
      fc.integer({ min: 1, max: 200 }),
      (a, b, c, n) => {
        expect(hkdfSha256(a, b, c, n)).toEqual(Buffer.from(hkdfSync('sha256', a, b, c, n)));
        expect(hmacSha256(a, b)).toEqual(createHmac('sha256', a).update(b).digest());
      },
    );
    fc.assert(property, { numRuns: 500 });
  });

  it('write into the memory of the key or of a part', () => {
    const expected = hmacSha256(of(32), of(32, 2));
    const [key, part] = [of(32), of(32, 2)];
    hmacSha256Into(key, key, [part]);
    hmacSha256Into(part, of(32), [part]);
    expect([key, part]).toEqual([expected, expected]);
  });
});

describe('HMAC', () => {
  it('knows its own whole tags only', () => {
    const tag = hmacSha256(of(32), 'message');
    expect(isHmacSha256(of(32), 'message', tag)).toBe(true);
    expect([isHmacSha256(of(32), 'massage', tag), isHmacSha256(of(32, 2), 'message', tag)]).toEqual([false, false]);
    expect(() => isHmacSha256(of(32), 'message', tag.subarray(0, 16))).toThrow(UNSUPPORTED);
  });
});

describe('Ed25519', () => {
  it('signs so that its public key verifies, until it is wiped', () => {
    const seed = of(32);
    const pair = new Ed25519KeyPair(seed);
    expect(seed).toEqual(of(32, 0));
    expect(isEd25519Signature(pair.publicKey, of(3), pair.sign(of(3)))).toBe(true);
    expect(isEd25519Signature(pair.publicKey, of(4), pair.sign(of(3)))).toBe(false);
    pair.wipe();
    expect(isEd25519Signature(pair.publicKey, of(3), pair.sign(of(3)))).toBe(false);
  });

  it('refuses a key of small order, with which a signature would fit many messages', () => {
    const identity = Buffer.concat([of(1), of(31, 0)]);
    const signature = Buffer.concat([identity, of(32, 0)]);
    expect(isEd25519Signature(identity, of(3), signature)).toBe(false);
  });

  it('takes no keys and signatures of other lengths', () => {
    expect(() => new Ed25519KeyPair(of(31))).toThrow(UNSUPPORTED);
    expect(() => isEd25519Signature(of(31), of(1), of(64))).toThrow(UNSUPPORTED);
    expect(() => isEd25519Signature(of(32), of(1), of(65))).toThrow(UNSUPPORTED);
  });
});

describe('X25519', () => {
  it('agrees with the other side', () => {
    const [a, b] = [new X25519KeyPair(), new X25519KeyPair()];
    expect(a.agree(b.publicKey)).toEqual(b.agree(a.publicKey));
    expect(a.publicKey).not.toEqual(b.publicKey);
  });

  it('refuses keys that make the secret zero', () => {
    expect(() => new X25519KeyPair().agree(of(32, 0))).toThrow(REFUSED);
    expect(() => new X25519KeyPair().agree(of(31, 0))).toThrow(UNSUPPORTED);
  });

  it('wipes what it takes over', () => {
    const secret = of(32, 9);
    expect(new X25519KeyPair(secret).publicKey).toHaveLength(32);
    expect(secret).toEqual(of(32, 0));
    expect(() => new X25519KeyPair(of(33))).toThrow(UNSUPPORTED);
  });
});

describe('key pairs', () => {
  it('show no secret when they are printed', () => {
    const printed = inspect([new Ed25519KeyPair(of(32, 0xab)), new X25519KeyPair(of(32, 0xab))], { showHidden: true });
    expect(printed).not.toMatch(/secret|ab ab/i);
  });
});

describe('Argon2', () => {
  const input = { password: of(8), salt: of(16), memoryKib: 64, passes: 1, lanes: 1, bytes: 32 };

  it('gives another hash for each salt', async () => {
    const [a, b] = await Promise.all([argon2Hash(input), argon2Hash({ ...input, salt: of(16, 2) })]);
    expect(a).toHaveLength(32);
    expect(a).not.toEqual(b);
  });

  it.each([
    { memoryKib: 7 },
    { memoryKib: 1_048_577 },
    { memoryKib: 8, lanes: 2 },
    { passes: 0 },
    { passes: 65 },
    { lanes: 0 },
    { lanes: 17, memoryKib: 1024 },
    { bytes: 3 },
    { salt: of(7) },
    { version: 17 as 16 },
    { variant: 'argon2x' as 'argon2d' },
  ])('refuses %o', async (change) => {
    await expect(argon2Hash({ ...input, ...change })).rejects.toThrow(UNSUPPORTED);
  });
});
