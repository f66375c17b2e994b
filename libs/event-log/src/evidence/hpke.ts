import { createPublicKey, generateKeyPairSync, hash, type KeyObject } from 'node:crypto';
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { ProtegoError } from '@protego/contracts';
import { rawPublicKey } from './standalone/verify-bundle';

/** A key pair for which evidence bundles can be made, as PEM texts (PKCS #8 and SubjectPublicKeyInfo, RFC 8410). */
export interface ReceiverKeyPair {
  /** To be kept secret by the receiver: it opens every bundle made for this pair. */
  readonly privateKey: string;
  readonly publicKey: string;
  /** Short name of the pair: the first eight bytes of SHA-256 over the raw public key, hex. */
  readonly keyId: string;
}

const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});

/** Makes an X25519 key pair for a receiver of evidence bundles. */
export function generateReceiverKey(): ReceiverKeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    keyId: receiverKeyId(publicKey),
  };
}

/** Short name of a receiver's key; see {@link ReceiverKeyPair.keyId}. */
export function receiverKeyId(publicKey: KeyObject): string {
  return hash('sha256', rawPublicKey(publicKey), 'hex').slice(0, 16);
}

/**
 * A receiver's public key from PEM or JWK text.
 *
 * @throws ProtegoError `BUNDLE_KEY_INVALID` for another kind of key, and for a private one: it should not have left its owner
 */
export function receiverPublicKey(text: string): KeyObject {
  const isJwk = text.trimStart().startsWith('{');
  if (isJwk ? /"d"\s*:/.test(text) : text.includes('PRIVATE KEY')) {
    throw new ProtegoError('BUNDLE_KEY_INVALID', 'a private key was given where the public key is asked for');
  }
  try {
    const key = isJwk
      ? createPublicKey({ key: JSON.parse(text) as never, format: 'jwk' })
      : createPublicKey({ key: text, format: 'pem' });
    if (key.asymmetricKeyType === 'x25519') return key;
  } catch {
    // What cannot be read is refused in the same words as a key of another kind.
  }
  throw new ProtegoError('BUNDLE_KEY_INVALID', 'the public key is not an X25519 key in PEM or JWK');
}

/**
 * Encrypts one message to a receiver: HPKE base mode (RFC 9180) with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
 * AES-256-GCM. Gives the encapsulated key (32 bytes), the ciphertext and the tag end to end.
 */
export async function hpkeSeal(publicKey: KeyObject, plain: Buffer, info: Buffer, additional: Buffer): Promise<Buffer> {
  const recipientPublicKey = await suite.kem.deserializePublicKey(exactly(rawPublicKey(publicKey)));
  const message = await suite.seal({ recipientPublicKey, info: exactly(info) }, exactly(plain), exactly(additional));
  return Buffer.concat([Buffer.from(message.enc), Buffer.from(message.ct)]);
}

/** The bytes alone: a small Buffer shares its memory with others, which a callee that asks for `.buffer` would take in. */
function exactly(bytes: Buffer): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
}
