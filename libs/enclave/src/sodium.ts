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
}

export {
  crypto_aead_chacha20poly1305_ietf_ABYTES as TAG_BYTES,
  crypto_aead_chacha20poly1305_ietf_decrypt as decryptAead,
  crypto_aead_chacha20poly1305_ietf_encrypt as encryptAead,
  crypto_generichash as blake2b,
} from 'sodium-native';
