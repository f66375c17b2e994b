import { createHmac, timingSafeEqual } from 'node:crypto';
import { ProtegoError } from '@protego/contracts';

/** Length of a tag, bytes. */
export const HMAC_SHA256_BYTES = 32;

/** HMAC with SHA-256 (RFC 2104, FIPS 198-1): the whole tag of 32 bytes. */
export function hmacSha256(key: Buffer, message: Buffer | string): Buffer {
  return createHmac('sha256', key).update(message).digest();
}

/**
 * Whether a tag is that of the message; compared in constant time.
 *
 * @throws ProtegoError `CRYPTO_UNSUPPORTED` for a tag that is not whole
 */
export function isHmacSha256(key: Buffer, message: Buffer | string, tag: Buffer): boolean {
  if (tag.length !== HMAC_SHA256_BYTES) {
    const text = `a tag of ${tag.length} bytes is not supported: use all ${HMAC_SHA256_BYTES}`;
    throw new ProtegoError('CRYPTO_UNSUPPORTED', text, { tagBytes: tag.length });
  }
  return timingSafeEqual(hmacSha256(key, message), tag);
}
