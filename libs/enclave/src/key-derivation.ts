import { hkdfSha256 } from './primitives/hkdf';

const NO_SALT = Buffer.alloc(0);

/**
 * Key of `bytes` bytes for one purpose: HKDF-SHA256 (RFC 5869) with the purpose as info. Keys of different purposes,
 * salts or contexts tell nothing about each other or about the secret.
 *
 * @param secret key material of at least 32 random bytes
 * @param purpose ASCII, without NUL; a NUL separates it from `context`
 */
export function deriveKey(
  secret: Buffer,
  purpose: string,
  bytes: number,
  { salt = NO_SALT, context = NO_SALT }: { salt?: Buffer; context?: Buffer } = {},
): Buffer {
  const info = Buffer.concat([Buffer.from(`protego/${purpose}\0`, 'latin1'), context]);
  return hkdfSha256(secret, salt, info, bytes);
}
