import { ProtegoError, canonicalJson } from '@protego/contracts';
import { AES_GCM_TAG_BYTES } from '../primitives/aes-gcm';
import { ARGON2_COST_MAX, type Argon2Cost } from '../primitives/argon2';

/** One secret that is needed to unlock a site. */
export type UnlockFactor = { readonly kind: 'key-file' } | ({ readonly kind: 'passphrase' } & Argon2Cost);

/**
 * What unlocks a site: nothing but the platform (no factor), one secret, or one of each of two operators, of which
 * both are needed.
 */
export interface UnlockMethod {
  readonly factors: readonly UnlockFactor[];
}

/** A factor as it is stored, with its salt. */
export type SaltedFactor = UnlockFactor & {
  /** 16 random bytes. */
  readonly salt: Buffer;
};

/** A root secret that is wrapped under what unlocks the site. */
export interface WrappedRoot {
  readonly factors: readonly SaltedFactor[];
  /** 32 random bytes. */
  readonly salt: Buffer;
  /** 32 bytes that only the right key leads to. */
  readonly commitment: Buffer;
  /** The root and a tag. */
  readonly sealed: Buffer;
}

/** Most operators whose secrets are needed. */
export const FACTORS_MAX = 2;
/** Length of the salt of a factor, bytes. */
export const FACTOR_SALT_BYTES = 16;
/** Length of the salt of a wrapped root, and of its commitment, bytes. */
export const WRAP_SALT_BYTES = 32;
/** Length of a root secret, bytes. */
export const ROOT_BYTES = 32;
/** Least cost of a passphrase (OWASP password storage: Argon2id with 19 MiB and two passes). */
export const ARGON2_COST_MIN: Argon2Cost = { memoryKib: 19_456, passes: 2, lanes: 1 };

const WRAPPED_BYTES_MAX = 4096;

/** What the tag of a wrapped root covers beside the root: all of it but salt and commitment, which make the key. */
export function unlockHeader({ factors }: Pick<WrappedRoot, 'factors'>): string {
  return canonicalJson({
    format: 1,
    factors: factors.map((factor) => ({ ...factor, salt: factor.salt.toString('hex') })),
  });
}

/** A wrapped root as canonical JSON. */
export function formatWrappedRoot(wrapped: WrappedRoot): Buffer {
  const header = JSON.parse(unlockHeader(wrapped)) as Record<string, unknown>;
  const hex = (name: 'salt' | 'commitment' | 'sealed'): string => wrapped[name].toString('hex');
  return Buffer.from(
    canonicalJson({ ...header, salt: hex('salt'), commitment: hex('commitment'), sealed: hex('sealed') }),
  );
}

/**
 * Reads a wrapped root; every cost is within {@link ARGON2_COST_MIN} and `ARGON2_COST_MAX`.
 *
 * @throws ProtegoError `ENCLAVE_UNLOCK_INVALID`
 */
export function parseWrappedRoot(bytes: Buffer): WrappedRoot {
  const { format, factors, salt, commitment, sealed, ...rest } = objectOf(bytes);
  if (format !== 1 || Object.keys(rest).length > 0) throw invalid('format');
  if (!Array.isArray(factors) || factors.length > FACTORS_MAX) throw invalid('factors');
  return {
    factors: factors.map(factorOf),
    salt: bytesOf(salt, WRAP_SALT_BYTES, 'salt'),
    commitment: bytesOf(commitment, WRAP_SALT_BYTES, 'commitment'),
    sealed: bytesOf(sealed, ROOT_BYTES + AES_GCM_TAG_BYTES, 'sealed'),
  };
}

/**
 * What unlocks a wrapped root; shows nothing secret.
 *
 * @throws ProtegoError `ENCLAVE_UNLOCK_INVALID`
 */
export function unlockMethodOf(bytes: Buffer): UnlockMethod {
  return { factors: parseWrappedRoot(bytes).factors.map(({ salt: _, ...factor }) => factor) };
}

/**
 * Refuses a cost that is too low to protect a passphrase, or so high that it would stall the machine.
 *
 * @throws ProtegoError `ENCLAVE_UNLOCK_INVALID`
 */
export function mustBeBoundedCost(cost: Argon2Cost): void {
  for (const name of ['memoryKib', 'passes', 'lanes'] as const) {
    const value = cost[name];
    if (!Number.isInteger(value) || value < ARGON2_COST_MIN[name] || value > ARGON2_COST_MAX[name]) {
      throw invalid(name, `must be from ${ARGON2_COST_MIN[name]} to ${ARGON2_COST_MAX[name]}`);
    }
  }
  // Each lane has at least eight KiB (RFC 9106, section 3.1); the least memory above grants it to all of them.
}

function factorOf(value: unknown): SaltedFactor {
  if (typeof value !== 'object' || value === null) throw invalid('factors');
  const { kind, salt, ...rest } = value as Record<string, unknown>;
  const saltBytes = bytesOf(salt, FACTOR_SALT_BYTES, 'factors.salt');
  if (kind === 'key-file' && Object.keys(rest).length === 0) return { kind, salt: saltBytes };
  if (kind !== 'passphrase' || Object.keys(rest).length !== 3) throw invalid('factors.kind');
  const { memoryKib, passes, lanes } = rest as unknown as Argon2Cost;
  mustBeBoundedCost({ memoryKib, passes, lanes });
  return { kind, memoryKib, passes, lanes, salt: saltBytes };
}

function objectOf(bytes: Buffer): Record<string, unknown> {
  if (bytes.length > WRAPPED_BYTES_MAX) throw invalid('length');
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    // The parser's message would quote the text.
    throw invalid('JSON');
  }
  if (typeof value !== 'object' || value === null) throw invalid('JSON');
  return value as Record<string, unknown>;
}

function bytesOf(hex: unknown, bytes: number, field: string): Buffer {
  if (typeof hex === 'string' && hex.length === 2 * bytes && /^[0-9a-f]*$/.test(hex)) return Buffer.from(hex, 'hex');
  throw invalid(field);
}

function invalid(field: string, problem = 'is not valid'): ProtegoError {
  return new ProtegoError('ENCLAVE_UNLOCK_INVALID', `\`${field}\` of the wrapped root ${problem}`, { field });
}
