import { hash } from 'node:crypto';
import { ProtegoError } from '@protego/contracts';
import { AES_GCM_TAG_BYTES } from '../primitives/aes-gcm';
import { isSealingLabel } from '../platform/names';

/**
 * Which enclaves open a blob: those of one measurement, those of one author and product, the one it was migrated to, or those
 * of one code, whatever they are configured for.
 */
export type SealingPolicy = 'measurement' | 'signer' | 'migration' | 'code';

/** What stands in front of a blob. Before the blob was opened, it is only what the blob claims. */
export interface BlobHeader {
  readonly policy: SealingPolicy;
  /** That of the enclave that sealed, with policy `signer`; else 0. */
  readonly securityVersion: number;
  /** 32 bytes. */
  readonly platformId: Buffer;
  /** Measurement, measurement of the code, or scope of the signer, 32 bytes. */
  readonly sealedTo: Buffer;
  /** Measurement of the enclave that migrated the blob; else zeros. */
  readonly from: Buffer;
  /** What the blob is for. */
  readonly label: string;
  /** Counter that guards against roll-back; empty without one. */
  readonly counter: string;
  /** Value of the counter; 0 without one. */
  readonly counterValue: number;
  /** 32 random bytes. */
  readonly salt: Buffer;
}

/** A blob in its parts. */
export interface BlobParts {
  readonly header: BlobHeader;
  /** 32 bytes that only the right key leads to. */
  readonly commitment: Buffer;
  /** All in front of the ciphertext: the tag covers it. */
  readonly authenticated: Buffer;
  /** Ciphertext and tag. */
  readonly sealed: Buffer;
}

/** Longest plaintext of a blob, bytes. */
export const BLOB_PLAINTEXT_BYTES_MAX = 16 * 1024 * 1024;
/** Length of a commitment, bytes. */
export const COMMITMENT_BYTES = 32;

const MAGIC = Buffer.from('f55054475345414c', 'hex');
const VERSION = 1;
const FIXED_BYTES = 160;
const ID_BYTES = 32;
const DIGEST_BYTES = 32;
const POLICIES: readonly SealingPolicy[] = ['measurement', 'signer', 'migration', 'code'];
const OFFSETS = {
  version: 8,
  policy: 10,
  securityVersion: 12,
  platformId: 16,
  sealedTo: 48,
  from: 80,
  counterValue: 112,
  salt: 120,
  labelBytes: 152,
  counterBytes: 153,
  plaintextBytes: 156,
};

/** Everything in front of the ciphertext. */
export function formatBlobHeader(header: BlobHeader, commitment: Buffer, plaintextBytes: number): Buffer {
  const fixed = Buffer.alloc(FIXED_BYTES);
  MAGIC.copy(fixed);
  fixed.writeUInt16BE(VERSION, OFFSETS.version);
  fixed.writeUInt8(POLICIES.indexOf(header.policy) + 1, OFFSETS.policy);
  fixed.writeUInt32BE(header.securityVersion, OFFSETS.securityVersion);
  for (const name of ['platformId', 'sealedTo', 'from', 'salt'] as const) header[name].copy(fixed, OFFSETS[name]);
  fixed.writeBigUInt64BE(BigInt(header.counterValue), OFFSETS.counterValue);
  fixed.writeUInt8(header.label.length, OFFSETS.labelBytes);
  fixed.writeUInt8(header.counter.length, OFFSETS.counterBytes);
  fixed.writeUInt32BE(plaintextBytes, OFFSETS.plaintextBytes);
  return Buffer.concat([fixed, Buffer.from(header.label + header.counter, 'latin1'), commitment]);
}

/** The whole blob: a digest at its end tells damage from a blob of another enclave. It authenticates nothing. */
export function joinBlob(authenticated: Buffer, sealed: Buffer): Buffer {
  const content = Buffer.concat([authenticated, sealed]);
  return Buffer.concat([content, digestOf(content)]);
}

/**
 * Takes a blob apart.
 *
 * @throws ProtegoError `ENCLAVE_BLOB_DAMAGED` when any bit of it was changed, or it has another form or version
 */
export function splitBlob(blob: Buffer): BlobParts {
  const content = blob.subarray(0, -DIGEST_BYTES);
  if (blob.length < FIXED_BYTES + DIGEST_BYTES || !digestOf(content).equals(blob.subarray(-DIGEST_BYTES))) {
    throw damaged('its digest does not fit');
  }
  if (!content.subarray(0, MAGIC.length).equals(MAGIC)) throw damaged('it is no sealed blob');
  const version = content.readUInt16BE(OFFSETS.version);
  if (version !== VERSION) throw damaged(`it has version ${version}, and ${VERSION} is known`);
  const labelEnd = FIXED_BYTES + content.readUInt8(OFFSETS.labelBytes);
  const counterEnd = labelEnd + content.readUInt8(OFFSETS.counterBytes);
  const sealedAt = counterEnd + COMMITMENT_BYTES;
  const plaintextBytes = content.readUInt32BE(OFFSETS.plaintextBytes);
  if (content.length !== sealedAt + plaintextBytes + AES_GCM_TAG_BYTES) throw damaged('its length does not fit');
  const text = (start: number, end: number): string => content.toString('latin1', start, end);
  const parts = {
    header: readHeader(content, text(FIXED_BYTES, labelEnd), text(labelEnd, counterEnd)),
    commitment: content.subarray(counterEnd, sealedAt),
    authenticated: content.subarray(0, sealedAt),
    sealed: content.subarray(sealedAt),
  };
  // One spelling of each header: reserved bytes are zero and names have their form.
  const again = formatBlobHeader(parts.header, parts.commitment, plaintextBytes);
  if (!again.equals(parts.authenticated)) throw damaged('its header is not valid');
  return parts;
}

/**
 * What a blob claims about itself, without opening it.
 *
 * @throws ProtegoError `ENCLAVE_BLOB_DAMAGED`
 */
export function inspectBlob(blob: Buffer): BlobHeader & { readonly plaintextBytes: number } {
  const { header, sealed } = splitBlob(blob);
  return { ...header, plaintextBytes: sealed.length - AES_GCM_TAG_BYTES };
}

function readHeader(content: Buffer, label: string, counter: string): BlobHeader {
  const policy = POLICIES[content.readUInt8(OFFSETS.policy) - 1];
  const counterValue = content.readBigUInt64BE(OFFSETS.counterValue);
  const isNamed = isSealingLabel(label) && (counter === '' || isSealingLabel(counter));
  if (policy === undefined || !isNamed || counterValue > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw damaged('its header is not valid');
  }
  const id = (offset: number): Buffer => content.subarray(offset, offset + ID_BYTES);
  return {
    policy,
    securityVersion: content.readUInt32BE(OFFSETS.securityVersion),
    platformId: id(OFFSETS.platformId),
    sealedTo: id(OFFSETS.sealedTo),
    from: id(OFFSETS.from),
    label,
    counter,
    counterValue: Number(counterValue),
    salt: id(OFFSETS.salt),
  };
}

function digestOf(content: Buffer): Buffer {
  return Buffer.from(hash('sha256', content, 'hex'), 'hex');
}

/** A refusal of a blob that is not as it was sealed. */
export function damaged(problem: string, cause?: unknown): ProtegoError {
  return new ProtegoError('ENCLAVE_BLOB_DAMAGED', `the sealed blob is damaged: ${problem}`, {}, { cause });
}
