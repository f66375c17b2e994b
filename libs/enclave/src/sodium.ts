import * as sodium from 'sodium-native';

export { type SecureBuffer } from 'sodium-native';

// The published types of sodium-native lack the RFC 8439 construction.
declare module 'sodium-native' {
  /** Length of a tag, bytes. */
  export const crypto_aead_chacha20poly1305_ietf_ABYTES: number;
  /** ChaCha20-Poly1305 (RFC 8439): writes ciphertext and tag to `ciphertext`; returns their length. */
  export function crypto_aead_chacha20poly1305_ietf_encrypt(
    ciphertext: Buffer,
    message: Buffer,
    additionalData: Buffer | null,
    nsec: null,
    nonce: Buffer,
    key: Buffer,
  ): number;
  /** Inverse of the above; throws when the tag does not fit. */
  export function crypto_aead_chacha20poly1305_ietf_decrypt(
    message: Buffer,
    nsec: null,
    ciphertext: Buffer,
    additionalData: Buffer | null,
    nonce: Buffer,
    key: Buffer,
  ): number;
  /** The same with the tag apart from the ciphertext; nothing is written but to the two buffers. */
  export function crypto_aead_chacha20poly1305_ietf_encrypt_detached(
    ciphertext: Buffer,
    tag: Buffer,
    message: Buffer,
    additionalData: Buffer | null,
    nsec: null,
    nonce: Buffer,
    key: Buffer,
  ): number;
  /** Inverse of the above; throws, with `message` all zeros, when the tag does not fit. */
  export function crypto_aead_chacha20poly1305_ietf_decrypt_detached(
    message: Buffer,
    nsec: null,
    ciphertext: Buffer,
    tag: Buffer,
    additionalData: Buffer | null,
    nonce: Buffer,
    key: Buffer,
  ): void;
  /** Begins BLAKE2b (RFC 7693) in `state`, {@link crypto_generichash_STATEBYTES} at a multiple of 64. */
  export function crypto_generichash_init(state: Buffer, key: Buffer | null, outputBytes: number): void;
  /** Goes on with more input. */
  export function crypto_generichash_update(state: Buffer, input: Buffer): void;
  /** Writes the hash; the state must not be used again. */
  export function crypto_generichash_final(state: Buffer, output: Buffer): void;
  /** Begins SHA-256 in `state`, {@link crypto_hash_sha256_STATEBYTES}. */
  export function crypto_hash_sha256_init(state: Buffer): void;
  /** Goes on with more input. */
  export function crypto_hash_sha256_update(state: Buffer, input: Buffer): void;
  /** Writes the hash; the state must not be used again. */
  export function crypto_hash_sha256_final(state: Buffer, output: Buffer): void;
  /** Detaches a buffer of `sodium_malloc`; its memory is zeroed and given back on the next turn of the event loop. */
  export function sodium_free(buffer: SecureBuffer): void;
}

// Bound once: the module has so many names that each look-up of one goes through a hash table.

/** Length of a tag of ChaCha20-Poly1305, bytes. */
export const TAG_BYTES = sodium.crypto_aead_chacha20poly1305_ietf_ABYTES;
/** ChaCha20-Poly1305 (RFC 8439): decrypts ciphertext and tag; throws when the tag does not fit. */
export const decryptAead = sodium.crypto_aead_chacha20poly1305_ietf_decrypt;
/** The same with the tag apart. */
export const decryptAeadDetached = sodium.crypto_aead_chacha20poly1305_ietf_decrypt_detached;
/** ChaCha20-Poly1305 (RFC 8439): encrypts to ciphertext and tag. */
export const encryptAead = sodium.crypto_aead_chacha20poly1305_ietf_encrypt;
/** The same with the tag apart. */
export const encryptAeadDetached = sodium.crypto_aead_chacha20poly1305_ietf_encrypt_detached;
/** BLAKE2b (RFC 7693) of an input under a key, of as many bytes as the output has. */
export const blake2b = sodium.crypto_generichash;
/** Bytes of a state of BLAKE2b; it lies at a multiple of 64. */
export const BLAKE2B_STATE_BYTES = sodium.crypto_generichash_STATEBYTES;
/** Ends BLAKE2b over several inputs. */
export const blake2bFinal = sodium.crypto_generichash_final;
/** Begins BLAKE2b over several inputs. */
export const blake2bInit = sodium.crypto_generichash_init;
/** Goes on with BLAKE2b over several inputs. */
export const blake2bUpdate = sodium.crypto_generichash_update;
/** SHA-256 of an input. */
export const sha256 = sodium.crypto_hash_sha256;
/** Bytes of a state of SHA-256. */
export const SHA256_STATE_BYTES = sodium.crypto_hash_sha256_STATEBYTES;
/** Ends SHA-256 over several inputs. */
export const sha256Final = sodium.crypto_hash_sha256_final;
/** Begins SHA-256 over several inputs. */
export const sha256Init = sodium.crypto_hash_sha256_init;
/** Goes on with SHA-256 over several inputs. */
export const sha256Update = sodium.crypto_hash_sha256_update;
/** Fills a buffer with random bytes. */
export const randomBytesInto = sodium.randombytes_buf;
/** Zeroes guarded memory and gives it back. */
export const freeGuarded = sodium.sodium_free;
/** Allocates guarded memory: locked, between guard pages, left out of core dumps. */
export const allocateGuarded = sodium.sodium_malloc;
/** Keeps memory out of swap. */
export const lockMemory = sodium.sodium_mlock;
