import { hkdfSync } from 'node:crypto';
import { ProtegoError } from '@protego/contracts';

/** Most bytes that one derivation gives: 255 blocks of the hash (RFC 5869, section 2.3). */
export const HKDF_BYTES_MAX = 255 * 32;
/** Longest info, bytes: the limit of the implementation beneath. */
const INFO_BYTES_MAX = 1024;

/**
 * HKDF with SHA-256 (RFC 5869), extract and expand.
 *
 * @param secret input keying material
 * @param salt may be empty
 * @param info at most 1,024 bytes
 * @param bytes length of the result
 * @throws ProtegoError `CRYPTO_UNSUPPORTED` for lengths that HKDF cannot give and for a longer info
 */
export function hkdfSha256(secret: Buffer, salt: Buffer, info: Buffer, bytes: number): Buffer {
  if (!Number.isInteger(bytes) || bytes < 1 || bytes > HKDF_BYTES_MAX) {
    const message = `HKDF-SHA256 gives 1 to ${HKDF_BYTES_MAX} bytes, not ${bytes}`;
    throw new ProtegoError('CRYPTO_UNSUPPORTED', message, { bytes, bytesMax: HKDF_BYTES_MAX });
  }
  if (info.length > INFO_BYTES_MAX) {
    const message = `an info of ${info.length} bytes is not supported: use at most ${INFO_BYTES_MAX}`;
    throw new ProtegoError('CRYPTO_UNSUPPORTED', message, { infoBytes: info.length, infoBytesMax: INFO_BYTES_MAX });
  }
  return Buffer.from(hkdfSync('sha256', secret, salt, info, bytes));
}
