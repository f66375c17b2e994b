import { ProtegoError } from '@protego/contracts';
import { GuardedBytes } from '../memory/guarded-memory';
import { HMAC_SHA256_BYTES, hmacSha256Into } from './hmac';

/** Most bytes that one derivation gives: 255 blocks of the hash (RFC 5869, section 2.3). */
export const HKDF_BYTES_MAX = 255 * HMAC_SHA256_BYTES;
/** Longest info, bytes: more than any purpose takes, and what other implementations take, too. */
const INFO_BYTES_MAX = 1024;

// Nothing here waits, so that no two calls share it.
const scratch = GuardedBytes.allocate(2 * HMAC_SHA256_BYTES);
const pseudorandomKey = scratch.bytes.subarray(0, HMAC_SHA256_BYTES);
const output = scratch.bytes.subarray(HMAC_SHA256_BYTES);

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
  mustBeBytes(bytes);
  const target = Buffer.alloc(bytes);
  hkdfSha256Into(target, secret, salt, info);
  return target;
}

/**
 * As {@link hkdfSha256}, straight into `target`: where that is guarded memory, neither the key nor anything on the way to it
 * is in other memory.
 *
 * @throws ProtegoError `CRYPTO_UNSUPPORTED` as {@link hkdfSha256}
 */
export function hkdfSha256Into(target: Buffer, secret: Buffer, salt: Buffer, info: Buffer): void {
  mustBeBytes(target.length);
  if (info.length > INFO_BYTES_MAX) {
    const message = `an info of ${info.length} bytes is not supported: use at most ${INFO_BYTES_MAX}`;
    throw new ProtegoError('CRYPTO_UNSUPPORTED', message, { infoBytes: info.length, infoBytesMax: INFO_BYTES_MAX });
  }
  hmacSha256Into(pseudorandomKey, salt, [secret]);
  let before: Buffer = Buffer.alloc(0);
  const counter = Buffer.alloc(1);
  for (let at = 0; at < target.length; at += HMAC_SHA256_BYTES) {
    counter[0] = (counter[0] as number) + 1;
    hmacSha256Into(output, pseudorandomKey, [before, info, counter]);
    before = output;
    output.copy(target, at);
  }
  scratch.wipe();
}

function mustBeBytes(bytes: number): void {
  if (Number.isInteger(bytes) && bytes >= 1 && bytes <= HKDF_BYTES_MAX) return;
  const message = `HKDF-SHA256 gives 1 to ${HKDF_BYTES_MAX} bytes, not ${bytes}`;
  throw new ProtegoError('CRYPTO_UNSUPPORTED', message, { bytes, bytesMax: HKDF_BYTES_MAX });
}
