import { randomBytes, timingSafeEqual } from 'node:crypto';
import { ProtegoError, type ErrorCode } from '@protego/contracts';
import { deriveKey } from '../key-derivation';
import { signerScopeOf, type EnclaveIdentity } from '../measurement/enclave-identity';
import { isSealingLabel } from '../platform/names';
import { SEALING_SALT_BYTES, type LaunchedEnclave } from '../platform/platform';
import { AES_GCM_NONCE_BYTES, openAesGcm, sealAesGcm } from '../primitives/aes-gcm';
import {
  BLOB_PLAINTEXT_BYTES_MAX,
  COMMITMENT_BYTES,
  damaged,
  formatBlobHeader,
  joinBlob,
  splitBlob,
  type BlobHeader,
  type SealingPolicy,
} from './blob-format';
import { commitCounter, issueCounter, mustBeCurrent } from './blob-counter';

/** Policies that an enclave seals for by itself. */
export type OwnPolicy = Exclude<SealingPolicy, 'migration'>;

/** How a blob is sealed. */
export interface SealOptions {
  /**
   * `measurement`: this very enclave opens it. `code`: also others of its code and debug mode that are configured for other
   * work. `signer`: also others of its author and product, of no older security version.
   */
  readonly policy: OwnPolicy;
  /** What the blob is for: 1 to 128 of `A-Za-z0-9./-`. */
  readonly label: string;
  /** Counter that makes older blobs void; 1 to 120 of the same characters. Without it an old blob opens for ever. */
  readonly counter?: string;
}

/** What is expected of a blob that is opened. */
export interface OpenOptions {
  /**
   * As it was sealed: else an older enclave of the author could make up a blob for `signer` where one of this enclave's own
   * is expected.
   */
  readonly policy: OwnPolicy;
  readonly label: string;
  /** As it was sealed: a blob without a counter does not pass for one with it. */
  readonly counter?: string;
  /** Value of the counter that a keeper outside this machine saw. */
  readonly expectedAtLeast?: number;
  /** Measurement of the enclave whose migrated blob is taken over; with it, no other blob is opened. */
  readonly migratedFrom?: Buffer;
}

/** For whom a blob is sealed. */
export type SealTarget = Pick<BlobHeader, 'policy' | 'sealedTo' | 'from' | 'securityVersion'>;

const KEY_BYTES = 32;
const COUNTER_NAME_LENGTH_MAX = 120;
const NO_MEASUREMENT = Buffer.alloc(32);
/** What is said of a blob of other enclaves, by the policy that was expected. */
const REFUSALS: Readonly<Record<SealingPolicy, { readonly code: ErrorCode; readonly others: string }>> = {
  measurement: { code: 'ENCLAVE_MEASUREMENT_MISMATCH', others: 'another measurement' },
  code: { code: 'ENCLAVE_CODE_MISMATCH', others: 'other code or another debug mode' },
  signer: { code: 'ENCLAVE_SIGNER_MISMATCH', others: 'another author, product or debug mode' },
  migration: { code: 'ENCLAVE_MEASUREMENT_MISMATCH', others: 'another measurement' },
};

/**
 * Seals data so that only the platform's enclaves of the policy open it: AES-256-GCM under a key of the platform,
 * made anew for each blob from 32 random bytes.
 *
 * With a counter, the blobs before stay valid until this one is committed: by {@link commitBlob}, after it was
 * stored, or when it is opened. So a crash in between loses nothing. Seal and store the blobs of one counter one
 * after the other.
 *
 * @param plaintext at most 16 MiB; the caller wipes it
 * @throws ProtegoError `ENCLAVE_BLOB_INVALID`; `ENCLAVE_SIGNER_MISMATCH` for an enclave without a signer; those of
 *   the counters; `ENCLAVE_CLOSED`
 */
export async function sealBlob(
  enclave: LaunchedEnclave,
  plaintext: Buffer,
  { policy, label, counter }: SealOptions,
): Promise<Buffer> {
  const { identity } = enclave;
  const securityVersion = policy === 'signer' ? identity.securityVersion : 0;
  const target = { policy, sealedTo: holderOf(identity, policy), from: NO_MEASUREMENT, securityVersion };
  return sealFor(enclave, plaintext, target, label, counter);
}

/**
 * Seals for a target; see {@link sealBlob}.
 *
 * @throws ProtegoError as {@link sealBlob}, and `ENCLAVE_MEASUREMENT_MISMATCH` for a target that is not the enclave's
 *   to name
 */
export async function sealFor(
  enclave: LaunchedEnclave,
  plaintext: Buffer,
  target: SealTarget,
  label: string,
  counter: string | undefined,
): Promise<Buffer> {
  mustBeSealable(plaintext, label, counter);
  const { platformId } = enclave;
  const salt = randomBytes(SEALING_SALT_BYTES);
  const counterValue = counter === undefined ? 0 : await issueCounter(enclave.counters, counter);
  const header = { ...target, platformId, label, counter: counter ?? '', counterValue, salt };
  const { key, nonce, commitment } = blobKeys(enclave, header);
  const authenticated = formatBlobHeader(header, commitment, plaintext.length);
  try {
    return joinBlob(authenticated, sealAesGcm({ key, nonce, additionalData: authenticated }, plaintext));
  } finally {
    key.fill(0);
  }
}

/**
 * Opens a blob and, with a counter, makes the older ones void. The caller wipes the plaintext.
 *
 * @throws ProtegoError `ENCLAVE_BLOB_DAMAGED`, `ENCLAVE_PLATFORM_MISMATCH`, `ENCLAVE_MEASUREMENT_MISMATCH`,
 *   `ENCLAVE_CODE_MISMATCH`, `ENCLAVE_SIGNER_MISMATCH`, `ENCLAVE_VERSION_TOO_OLD`, `ENCLAVE_LABEL_MISMATCH`, `ENCLAVE_ROLLED_BACK`; those of
 *   the counters; `ENCLAVE_CLOSED`
 */
export async function openBlob(enclave: LaunchedEnclave, blob: Buffer, options: OpenOptions): Promise<Buffer> {
  const { header, commitment, authenticated, sealed } = splitBlob(blob);
  mustBeForUs(enclave, header, options);
  mustBeForThis(header, options);
  const { key, nonce, commitment: expected } = blobKeys(enclave, header);
  let plaintext: Buffer | undefined;
  try {
    if (!timingSafeEqual(commitment, expected)) throw damaged('its key does not fit');
    plaintext = openAesGcm({ key, nonce, additionalData: authenticated }, sealed);
    await mustBeCurrent(enclave.counters, header, options.expectedAtLeast);
    return plaintext;
  } catch (error) {
    plaintext?.fill(0);
    throw error instanceof ProtegoError && error.code === 'CRYPTO_REFUSED'
      ? damaged('its tag does not fit', error)
      : error;
  } finally {
    key.fill(0);
  }
}

/**
 * Makes the blobs before this one void. Call it once the blob is stored durably.
 *
 * @throws ProtegoError `ENCLAVE_BLOB_DAMAGED`; those of the counters
 */
export async function commitBlob(enclave: LaunchedEnclave, blob: Buffer): Promise<void> {
  const { header } = splitBlob(blob);
  await commitCounter(enclave.counters, header);
}

function blobKeys(enclave: LaunchedEnclave, header: BlobHeader): { key: Buffer; nonce: Buffer; commitment: Buffer } {
  const { policy, label, salt, securityVersion, from, sealedTo } = header;
  const secret = enclave.sealingKey(
    policy === 'signer'
      ? { policy, label, salt, securityVersion }
      : policy === 'migration'
        ? { policy, label, salt, from, to: sealedTo }
        : { policy, label, salt },
  );
  const derived = deriveKey(secret, 'sealed-blob/1', KEY_BYTES + AES_GCM_NONCE_BYTES + COMMITMENT_BYTES);
  secret.fill(0);
  return {
    key: derived.subarray(0, KEY_BYTES),
    nonce: derived.subarray(KEY_BYTES, KEY_BYTES + AES_GCM_NONCE_BYTES),
    commitment: derived.subarray(KEY_BYTES + AES_GCM_NONCE_BYTES),
  };
}

/** Whom a policy seals to. */
function holderOf(identity: EnclaveIdentity, policy: OwnPolicy): Buffer {
  if (policy === 'signer') return signerScopeOf(identity);
  return policy === 'code' ? identity.codeMeasurement : identity.measurement;
}

function mustBeForUs(enclave: LaunchedEnclave, header: BlobHeader, options: OpenOptions): void {
  const { identity, platformId } = enclave;
  const { policy, sealedTo, from, label } = header;
  const { migratedFrom } = options;
  const expected = migratedFrom === undefined ? options.policy : 'migration';
  const { code, others } = REFUSALS[expected];
  const refuse = (message: string): never => {
    throw new ProtegoError(code, message, { label, policy });
  };
  if (!header.platformId.equals(platformId)) {
    const message = 'the blob was sealed on another platform';
    throw new ProtegoError('ENCLAVE_PLATFORM_MISMATCH', message, { label, policy });
  }
  if (policy !== expected) refuse(`the blob has policy \`${policy}\`, and \`${expected}\` is expected`);
  if (!holderOf(identity, migratedFrom === undefined ? options.policy : 'measurement').equals(sealedTo)) {
    refuse(`the blob was sealed for ${others}`);
  }
  if (migratedFrom?.equals(from) === false) refuse('the blob was migrated from a measurement that is not expected');
}

function mustBeForThis({ label, counter }: BlobHeader, expected: OpenOptions): void {
  if (label === expected.label && counter === (expected.counter ?? '')) return;
  const message = `the blob has label \`${label}\` and counter \`${counter}\`, not those that are expected`;
  throw new ProtegoError('ENCLAVE_LABEL_MISMATCH', message, { label, counter });
}

function mustBeSealable({ length }: Buffer, label: string, counter: string | undefined): void {
  const isNamed = counter === undefined || (isSealingLabel(counter) && counter.length <= COUNTER_NAME_LENGTH_MAX);
  if (isSealingLabel(label) && isNamed && length <= BLOB_PLAINTEXT_BYTES_MAX) return;
  const message = `cannot seal ${length} bytes under label \`${label}\` and counter \`${counter ?? ''}\``;
  throw new ProtegoError('ENCLAVE_BLOB_INVALID', message, { label, bytes: length, bytesMax: BLOB_PLAINTEXT_BYTES_MAX });
}
