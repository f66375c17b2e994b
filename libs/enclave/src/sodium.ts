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

export {
  crypto_aead_chacha20poly1305_ietf_ABYTES as TAG_BYTES,
  crypto_aead_chacha20poly1305_ietf_decrypt as decryptAead,
  crypto_aead_chacha20poly1305_ietf_decrypt_detached as decryptAeadDetached,
  crypto_aead_chacha20poly1305_ietf_encrypt as encryptAead,
  crypto_aead_chacha20poly1305_ietf_encrypt_detached as encryptAeadDetached,
  crypto_generichash as blake2b,
  crypto_generichash_STATEBYTES as BLAKE2B_STATE_BYTES,
  crypto_generichash_final as blake2bFinal,
  crypto_generichash_init as blake2bInit,
  crypto_generichash_update as blake2bUpdate,
  crypto_hash_sha256 as sha256,
  crypto_hash_sha256_STATEBYTES as SHA256_STATE_BYTES,
  crypto_hash_sha256_final as sha256Final,
  crypto_hash_sha256_init as sha256Init,
  crypto_hash_sha256_update as sha256Update,
  randombytes_buf as randomBytesInto,
  sodium_free as freeGuarded,
  sodium_malloc as allocateGuarded,
  sodium_mlock as lockMemory,
  type SecureBuffer,
} from 'sodium-native';
