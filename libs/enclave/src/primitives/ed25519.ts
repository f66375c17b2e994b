import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import {
  crypto_sign_BYTES,
  crypto_sign_PUBLICKEYBYTES,
  crypto_sign_SECRETKEYBYTES,
  crypto_sign_SEEDBYTES,
  crypto_sign_detached,
  crypto_sign_seed_keypair,
  crypto_sign_verify_detached,
  sodium_malloc,
  sodium_memzero,
} from 'sodium-native';
import { ProtegoError } from '@protego/contracts';

/** Length of a raw public key, bytes. */
export const ED25519_PUBLIC_KEY_BYTES = crypto_sign_PUBLICKEYBYTES;
/** Length of a seed, which is the private key of RFC 8032, bytes. */
export const ED25519_SEED_BYTES = crypto_sign_SEEDBYTES;
/** Length of a signature, bytes. */
export const ED25519_SIGNATURE_BYTES = crypto_sign_BYTES;

// DER of PrivateKeyInfo and SubjectPublicKeyInfo up to the key itself (RFC 8410, sections 4 and 7).
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** A key pair that signs with Ed25519 (RFC 8032). The secret key is in guarded memory and is never given out. */
export class Ed25519KeyPair {
  /** Raw public key, 32 bytes. */
  readonly publicKey = Buffer.alloc(ED25519_PUBLIC_KEY_BYTES);
  readonly #secretKey = sodium_malloc(crypto_sign_SECRETKEYBYTES);

  /**
   * @param seed 32 random bytes; wiped
   * @throws ProtegoError `CRYPTO_UNSUPPORTED` for another length
   */
  constructor(seed: Buffer) {
    mustHaveBytes('a seed', seed, ED25519_SEED_BYTES);
    crypto_sign_seed_keypair(this.publicKey, this.#secretKey, seed);
    seed.fill(0);
  }

  /** Signature of 64 bytes. */
  sign(message: Buffer): Buffer {
    const signature = Buffer.alloc(ED25519_SIGNATURE_BYTES);
    crypto_sign_detached(signature, message, this.#secretKey);
    return signature;
  }

  /** Wipes the secret key; signatures made afterwards verify with no key. */
  wipe(): void {
    sodium_memzero(this.#secretKey);
  }
}

/**
 * Whether a signature of 64 bytes is that of the message. Signatures with a scalar beyond the group's order and keys of
 * small order are refused, so that no second signature can be made of one.
 *
 * @throws ProtegoError `CRYPTO_UNSUPPORTED` for a key or a signature of another length
 */
export function isEd25519Signature(publicKey: Buffer, message: Buffer, signature: Buffer): boolean {
  mustHaveBytes('a public key', publicKey, ED25519_PUBLIC_KEY_BYTES);
  mustHaveBytes('a signature', signature, ED25519_SIGNATURE_BYTES);
  return crypto_sign_verify_detached(signature, message, publicKey);
}

/** The private key of a seed of 32 bytes as Node's key object, for libraries that sign with those. */
export function ed25519PrivateKeyObject(seed: Buffer): KeyObject {
  mustHaveBytes('a seed', seed, ED25519_SEED_BYTES);
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } finally {
    der.fill(0);
  }
}

/** A raw public key of 32 bytes as Node's key object. */
export function ed25519PublicKeyObject(publicKey: Buffer): KeyObject {
  mustHaveBytes('a public key', publicKey, ED25519_PUBLIC_KEY_BYTES);
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' });
}

function mustHaveBytes(what: string, { length }: Buffer, bytes: number): void {
  if (length === bytes) return;
  const message = `${what} of Ed25519 has ${bytes} bytes, not ${length}`;
  throw new ProtegoError('CRYPTO_UNSUPPORTED', message, { bytes: length });
}
