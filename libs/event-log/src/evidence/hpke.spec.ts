import { createPrivateKey, createPublicKey } from 'node:crypto';
import * as fc from 'fast-check';
import { generateReceiverKey, hpkeSeal, receiverKeyId, receiverPublicKey } from './hpke';
import { hpkeOpen, rawPublicKey } from './standalone/verify-bundle';

describe('opening what was sealed to a receiver', () => {
  const { privateKey, publicKey, keyId } = generateReceiverKey();
  const secret = createPrivateKey(privateKey);
  const open = receiverPublicKey(publicKey);

  it('gives back what the library sealed, whatever it was', async () => {
    const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
    await fc.assert(
      fc.asyncProperty(bytes, bytes, bytes, async (plain, info, additional) => {
        const message = await hpkeSeal(open, plain, info, additional);
        expect(hpkeOpen(secret, message, info, additional).equals(plain)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('refuses a message of which any bit was flipped, another info and other additional data', async () => {
    const info = Buffer.from('info');
    const additional = Buffer.from('more');
    const message = await hpkeSeal(open, Buffer.from('plain text'), info, additional);
    for (let bit = 0; bit < message.length * 8; bit++) {
      // The highest bit of an X25519 coordinate is masked (RFC 7748, section 5), but the key schedule takes it in.
      const altered = Buffer.from(message);
      altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(() => hpkeOpen(secret, altered, info, additional)).toThrow();
    }
    expect(() => hpkeOpen(secret, message, Buffer.from('Info'), additional)).toThrow();
    expect(() => hpkeOpen(secret, message, info, Buffer.from('mode'))).toThrow();
  });

  it('names a key by its public part, and refuses a private key or one of another kind', () => {
    expect(keyId).toBe(receiverKeyId(createPublicKey(privateKey)));
    expect(keyId).toMatch(/^[0-9a-f]{16}$/);
    expect(rawPublicKey(secret)).toHaveLength(32);
    expect(() => receiverPublicKey(privateKey)).toThrow('private key was given');
    expect(() => receiverPublicKey('{"kty":"OKP","crv":"X25519","d":"AA"}')).toThrow('private key was given');
    expect(() => receiverPublicKey('nonsense')).toThrow('not an X25519 key');
    const jwk = JSON.stringify(open.export({ format: 'jwk' }));
    expect(receiverKeyId(receiverPublicKey(jwk))).toBe(keyId);
  });
});
