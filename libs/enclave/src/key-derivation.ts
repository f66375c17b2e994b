import { hkdfSha256, hkdfSha256Into } from './primitives/hkdf';

const NO_SALT = Buffer.alloc(0);

/** What a key is derived for, beside its purpose. */
export interface DerivationContext {
  readonly salt?: Buffer;
  readonly context?: Buffer;
}

/**
 * Key of `bytes` bytes for one purpose: HKDF-SHA256 (RFC 5869) with the purpose as info. Keys of different purposes,
 * salts or contexts tell nothing about each other or about the secret.
 *
 * @param secret key material of at least 32 random bytes
 * @param purpose ASCII, without NUL; a NUL separates it from `context`
 */
export function deriveKey(secret: Buffer, purpose: string, bytes: number, context: DerivationContext = {}): Buffer {
  return hkdfSha256(secret, context.salt ?? NO_SALT, infoOf(purpose, context), bytes);
}

/** As {@link deriveKey}, straight into `target`, which should be guarded memory. */
export function deriveKeyInto(target: Buffer, secret: Buffer, purpose: string, context: DerivationContext = {}): void {
  hkdfSha256Into(target, secret, context.salt ?? NO_SALT, infoOf(purpose, context));
}

function infoOf(purpose: string, { context = NO_SALT }: DerivationContext): Buffer {
  return Buffer.concat([Buffer.from(`protego/${purpose}\0`, 'latin1'), context]);
}
