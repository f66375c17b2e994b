import { timingSafeEqual } from 'node:crypto';
import { ProtegoError } from '@protego/contracts';
import { GuardedBytes } from '../memory/guarded-memory';
import { SHA256_STATE_BYTES, sha256, sha256Final, sha256Init, sha256Update } from '../sodium';

/** Length of a tag, bytes. */
export const HMAC_SHA256_BYTES = 32;

const BLOCK_BYTES = 64;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;
const BLOCK_AT = Math.ceil(SHA256_STATE_BYTES / 16) * 16;
const INNER_AT = BLOCK_AT + BLOCK_BYTES;

// Whoever knows the state or the padded key knows as much as with the key: they are in guarded memory. Nothing here waits,
// so that no two calls share it.
const scratch = GuardedBytes.allocate(INNER_AT + HMAC_SHA256_BYTES);
const state = scratch.bytes.subarray(0, SHA256_STATE_BYTES);
const block = scratch.bytes.subarray(BLOCK_AT, INNER_AT);
const inner = scratch.bytes.subarray(INNER_AT);

/** HMAC with SHA-256 (RFC 2104, FIPS 198-1): the whole tag of 32 bytes. */
export function hmacSha256(key: Buffer, message: Buffer | string): Buffer {
  const tag = Buffer.alloc(HMAC_SHA256_BYTES);
  hmacSha256Into(tag, key, [typeof message === 'string' ? Buffer.from(message) : message]);
  return tag;
}

/**
 * HMAC with SHA-256 of `parts`, one after the other, for tags that are secrets: nothing but `target` keeps the tag, and no
 * copy of the key stays.
 *
 * @param target 32 bytes, which may be those of the key or of a part
 */
export function hmacSha256Into(target: Buffer, key: Buffer, parts: readonly Buffer[]): void {
  block.fill(0);
  if (key.length > BLOCK_BYTES) sha256(block.subarray(0, HMAC_SHA256_BYTES), key);
  else block.set(key);
  pad(INNER_PAD);
  hashInto(inner, parts);
  pad(INNER_PAD ^ OUTER_PAD);
  hashInto(target, [inner]);
  scratch.wipe();
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

/** SHA-256 of the padded key and some parts. */
function hashInto(target: Buffer, parts: readonly Buffer[]): void {
  sha256Init(state);
  sha256Update(state, block);
  for (const part of parts) if (part.length > 0) sha256Update(state, part);
  sha256Final(state, target);
}

function pad(byte: number): void {
  for (let i = 0; i < BLOCK_BYTES; i++) block[i] = (block[i] as number) ^ byte;
}
