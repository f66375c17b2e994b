import { GuardedBytes } from './memory/guarded-memory';
import { hkdfSha256, hkdfSha256Into } from './primitives/hkdf';

const KEY_BYTES = 32;
/** Keys that may be in use at once, each derived with the help of the one before. */
const LENT_KEYS_MAX = 4;
/** New memory for each key would cost many times what the derivation does. */
const lent = GuardedBytes.allocate(LENT_KEYS_MAX * KEY_BYTES).bytes;
let lentCount = 0;
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

/**
 * What `use` makes of a key of 32 bytes, as {@link deriveKey} gives it, in guarded memory that is wiped when `use` returns. In
 * `use`, further keys may be derived.
 *
 * @throws RangeError when more than four keys are in use
 */
export function withDerivedKey<T>(secret: Buffer, purpose: string, use: (key: Buffer) => T): T {
  if (lentCount === LENT_KEYS_MAX) throw new RangeError(`${LENT_KEYS_MAX} derived keys are in use`);
  const key = lent.subarray(lentCount * KEY_BYTES, (lentCount + 1) * KEY_BYTES);
  lentCount++;
  try {
    deriveKeyInto(key, secret, purpose);
    return use(key);
  } finally {
    key.fill(0);
    lentCount--;
  }
}

function infoOf(purpose: string, { context = NO_SALT }: DerivationContext): Buffer {
  return Buffer.concat([Buffer.from(`protego/${purpose}\0`, 'latin1'), context]);
}
