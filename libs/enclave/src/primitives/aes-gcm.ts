import { createCipheriv, createDecipheriv, type CipherGCMTypes } from 'node:crypto';
import { ProtegoError, messageOf } from '@protego/contracts';

/** Length of a nonce, bytes: the only one that GCM uses as it stands (NIST SP 800-38D, section 5.2.1.1). */
export const AES_GCM_NONCE_BYTES = 12;
/** Length of a tag, bytes. */
export const AES_GCM_TAG_BYTES = 16;

const CIPHERS: Readonly<Record<number, CipherGCMTypes>> = { 16: 'aes-128-gcm', 24: 'aes-192-gcm', 32: 'aes-256-gcm' };
const NO_DATA = Buffer.alloc(0);

/** Key, nonce and additional data of one call. */
export interface AesGcmInput {
  /** 16, 24 or 32 bytes. */
  readonly key: Buffer;
  /** 12 bytes; never twice under one key. */
  readonly nonce: Buffer;
  /** Data that is authenticated and not encrypted. */
  readonly additionalData?: Buffer;
}

/**
 * AES-GCM (NIST SP 800-38D): the ciphertext and then the tag of 16 bytes.
 *
 * @throws ProtegoError `CRYPTO_UNSUPPORTED` for keys and nonces of other lengths
 */
export function sealAesGcm({ key, nonce, additionalData = NO_DATA }: AesGcmInput, plaintext: Buffer): Buffer {
  const cipher = createCipheriv(cipherOf(key, nonce), key, nonce, { authTagLength: AES_GCM_TAG_BYTES });
  cipher.setAAD(additionalData);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/**
 * Opens what {@link sealAesGcm} made. No byte of the plaintext is given out before the tag was found right.
 *
 * @throws ProtegoError `CRYPTO_UNSUPPORTED` for keys and nonces of other lengths, and for what is too short for a tag of 16
 *   bytes; `CRYPTO_REFUSED` when the tag does not fit
 */
export function openAesGcm({ key, nonce, additionalData = NO_DATA }: AesGcmInput, sealed: Buffer): Buffer {
  const name = cipherOf(key, nonce);
  if (sealed.length < AES_GCM_TAG_BYTES) {
    const message = `${sealed.length} bytes are too few for a tag of ${AES_GCM_TAG_BYTES} bytes`;
    throw new ProtegoError('CRYPTO_UNSUPPORTED', message, { bytes: sealed.length });
  }
  const decipher = createDecipheriv(name, key, nonce, { authTagLength: AES_GCM_TAG_BYTES });
  decipher.setAAD(additionalData);
  decipher.setAuthTag(sealed.subarray(-AES_GCM_TAG_BYTES));
  const plaintext = decipher.update(sealed.subarray(0, -AES_GCM_TAG_BYTES));
  try {
    decipher.final();
    return plaintext;
  } catch (cause) {
    plaintext.fill(0);
    throw new ProtegoError('CRYPTO_REFUSED', `the tag does not fit: ${messageOf(cause)}`, {}, { cause });
  }
}

function cipherOf(key: Buffer, nonce: Buffer): CipherGCMTypes {
  const name = CIPHERS[key.length];
  if (name === undefined) {
    const message = `AES has no keys of ${key.length} bytes: use 16, 24 or 32`;
    throw new ProtegoError('CRYPTO_UNSUPPORTED', message, { keyBytes: key.length });
  }
  if (nonce.length !== AES_GCM_NONCE_BYTES) {
    const message = `a nonce of ${nonce.length} bytes is not supported: use ${AES_GCM_NONCE_BYTES}`;
    throw new ProtegoError('CRYPTO_UNSUPPORTED', message, { nonceBytes: nonce.length });
  }
  return name;
}
