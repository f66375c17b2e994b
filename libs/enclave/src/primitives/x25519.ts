import {
  crypto_scalarmult,
  crypto_scalarmult_base,
  randombytes_buf,
  sodium_malloc,
  sodium_memzero,
} from 'sodium-native';
import { ProtegoError } from '@protego/contracts';

/** Length of public keys, secret keys and shared secrets, bytes. */
export const X25519_KEY_BYTES = 32;

/** A key pair for X25519 (RFC 7748). The secret key is in guarded memory and is never given out. */
export class X25519KeyPair {
  /** 32 bytes. */
  readonly publicKey = Buffer.alloc(X25519_KEY_BYTES);
  readonly #secretKey = sodium_malloc(X25519_KEY_BYTES);

  /**
   * @param secretKey 32 random bytes; wiped. Without it they are drawn here.
   * @throws ProtegoError `CRYPTO_UNSUPPORTED` for another length
   */
  constructor(secretKey?: Buffer) {
    if (secretKey === undefined) randombytes_buf(this.#secretKey);
    else {
      mustHaveKeyBytes('a secret key', secretKey);
      secretKey.copy(this.#secretKey);
      secretKey.fill(0);
    }
    crypto_scalarmult_base(this.publicKey, this.#secretKey);
  }

  /**
   * Shared secret of 32 bytes with the holder of a public key. It is no key yet: derive keys from it.
   *
   * @throws ProtegoError `CRYPTO_REFUSED` when it would be all zeros, whatever our key is: the public key has small order
   *   (RFC 7748, section 6.1); `CRYPTO_UNSUPPORTED` for a public key of another length
   */
  agree(publicKey: Buffer): Buffer {
    mustHaveKeyBytes('a public key', publicKey);
    const shared = Buffer.alloc(X25519_KEY_BYTES);
    try {
      crypto_scalarmult(shared, this.#secretKey, publicKey);
    } catch (cause) {
      // The lengths are right, so this is the one thing that libsodium refuses.
      throw smallOrder(cause);
    }
    return shared;
  }

  /** Wipes the secret key. */
  wipe(): void {
    sodium_memzero(this.#secretKey);
  }
}

function smallOrder(cause: unknown): ProtegoError {
  const message = 'the public key has small order: ask the other side for a new one';
  return new ProtegoError('CRYPTO_REFUSED', message, {}, { cause });
}

function mustHaveKeyBytes(what: string, { length }: Buffer): void {
  if (length === X25519_KEY_BYTES) return;
  const message = `${what} of X25519 has ${X25519_KEY_BYTES} bytes, not ${length}`;
  throw new ProtegoError('CRYPTO_UNSUPPORTED', message, { bytes: length });
}
