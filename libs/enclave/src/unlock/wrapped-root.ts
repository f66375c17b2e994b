import { randomBytes, timingSafeEqual } from 'node:crypto';
import { ProtegoError } from '@protego/contracts';
import { deriveKey } from '../key-derivation';
import { AES_GCM_NONCE_BYTES, openAesGcm, sealAesGcm } from '../primitives/aes-gcm';
import { type Argon2Cost } from '../primitives/argon2';
import {
  FACTORS_MAX,
  FACTOR_SALT_BYTES,
  ROOT_BYTES,
  WRAP_SALT_BYTES,
  formatWrappedRoot,
  mustBeBoundedCost,
  parseWrappedRoot,
  unlockHeader,
  type SaltedFactor,
} from './unlock-method';
import { factorKey, isSameSecret, mustBeStrong, type UnlockSecret } from './unlock-secret';

/** Cost of a passphrase unless told: the second recommendation of RFC 9106, section 4. */
export const ARGON2_COST: Argon2Cost = { memoryKib: 65_536, passes: 3, lanes: 4 };

const KEY_BYTES = 32;

interface WrappingKey {
  readonly key: Buffer;
  readonly nonce: Buffer;
  readonly commitment: Buffer;
}

/**
 * Wraps the root secret of a site under what unlocks it. The result belongs in a sealed blob: without a secret the
 * wrapping hides nothing, and a passphrase could be guessed at.
 *
 * @param root 32 random bytes
 * @param secrets none (the platform alone unlocks), one, or one of each of two operators
 * @throws ProtegoError `ENCLAVE_UNLOCK_INVALID` for weak secrets, for two that are equal, for more than two, and for
 *   a cost out of bounds
 */
export async function wrapRoot(
  root: Buffer,
  secrets: readonly UnlockSecret[],
  { argon2 = ARGON2_COST }: { argon2?: Argon2Cost } = {},
): Promise<Buffer> {
  mustBeBoundedCost(argon2);
  if (root.length !== ROOT_BYTES) throw invalid(`a root secret has ${ROOT_BYTES} bytes, not ${root.length}`);
  if (secrets.length > FACTORS_MAX) throw invalid(`at most ${FACTORS_MAX} secrets unlock a site`);
  secrets.forEach(mustBeStrong);
  const [first, second] = secrets;
  if (first !== undefined && second !== undefined && isSameSecret(first, second)) {
    throw invalid('the two operators gave the same secret');
  }
  const factors = secrets.map((secret) => newFactor(secret, argon2));
  const salt = randomBytes(WRAP_SALT_BYTES);
  const wrapping = await wrappingKey(factors, secrets, salt);
  const additionalData = Buffer.from(unlockHeader({ factors }));
  // The key is made of a fresh salt, so it has one nonce.
  const sealed = sealAesGcm({ ...wrapping, additionalData }, root);
  wrapping.key.fill(0);
  return formatWrappedRoot({ factors, salt, commitment: wrapping.commitment, sealed });
}

/**
 * Opens what {@link wrapRoot} made; the caller wipes the root. A refusal does not tell which of two secrets was
 * wrong: they become one key before anything is compared.
 *
 * @param secrets in the order in which they were given to {@link wrapRoot}
 * @throws ProtegoError `ENCLAVE_UNLOCK_REFUSED`; `ENCLAVE_UNLOCK_INVALID` when the wrapped root has another form
 */
export async function unwrapRoot(wrapped: Buffer, secrets: readonly UnlockSecret[]): Promise<Buffer> {
  const { factors, salt, commitment, sealed } = parseWrappedRoot(wrapped);
  const fits = secrets.length === factors.length && secrets.every(({ kind }, i) => kind === factors[i]?.kind);
  if (!fits) throw refused(factors);
  const wrapping = await wrappingKey(factors, secrets, salt);
  try {
    if (!timingSafeEqual(wrapping.commitment, commitment)) throw refused(factors);
    return openAesGcm({ ...wrapping, additionalData: Buffer.from(unlockHeader({ factors })) }, sealed);
  } catch (error) {
    throw error instanceof ProtegoError && error.code === 'CRYPTO_REFUSED' ? refused(factors) : error;
  } finally {
    wrapping.key.fill(0);
  }
}

async function wrappingKey(
  factors: readonly SaltedFactor[],
  secrets: readonly UnlockSecret[],
  salt: Buffer,
): Promise<WrappingKey> {
  const keys: Buffer[] = [];
  for (const [i, factor] of factors.entries()) keys.push(await factorKey(factor, secrets[i] as UnlockSecret));
  const joined = Buffer.concat(keys);
  const bytes = KEY_BYTES + AES_GCM_NONCE_BYTES + WRAP_SALT_BYTES;
  const derived = deriveKey(joined, 'unlock/1', bytes, { salt });
  for (const secret of [joined, ...keys]) secret.fill(0);
  return {
    key: derived.subarray(0, KEY_BYTES),
    nonce: derived.subarray(KEY_BYTES, KEY_BYTES + AES_GCM_NONCE_BYTES),
    commitment: derived.subarray(KEY_BYTES + AES_GCM_NONCE_BYTES),
  };
}

function newFactor({ kind }: UnlockSecret, cost: Argon2Cost): SaltedFactor {
  const salt = randomBytes(FACTOR_SALT_BYTES);
  return kind === 'key-file' ? { kind, salt } : { kind, ...cost, salt };
}

function refused(factors: readonly SaltedFactor[]): ProtegoError {
  const kinds = factors.map(({ kind }) => kind);
  const needed = kinds.length === 0 ? 'no secret' : kinds.join(' and ');
  const message = `the site does not unlock with what was given: it needs ${needed}, in this order`;
  return new ProtegoError('ENCLAVE_UNLOCK_REFUSED', message, { needed: kinds });
}

function invalid(problem: string): ProtegoError {
  return new ProtegoError('ENCLAVE_UNLOCK_INVALID', problem);
}
