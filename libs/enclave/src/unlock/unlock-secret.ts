import { isUtf8 } from 'node:buffer';
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { dirname } from 'node:path';
import { ProtegoError } from '@protego/contracts';
import { deriveKey } from '../key-derivation';
import { onDisk, syncDirectory, writeNewFile } from '../key-files';
import { argon2Hash } from '../primitives/argon2';
import { hmacSha256 } from '../primitives/hmac';
import { type SaltedFactor } from './unlock-method';

/** What an operator gives to unlock a site. */
export type UnlockSecret =
  | {
      readonly kind: 'key-file';
      /** 32 to 4,096 bytes that were drawn at random. */
      readonly content: Buffer;
    }
  | {
      readonly kind: 'passphrase';
      /** UTF-8 of at most 1,024 bytes. */
      readonly passphrase: Buffer;
    };

/** Shortest key file, bytes. */
export const KEY_FILE_BYTES_MIN = 32;
/** Longest key file, bytes. */
export const KEY_FILE_BYTES_MAX = 4096;
/** Longest passphrase, bytes of UTF-8. */
export const PASSPHRASE_BYTES_MAX = 1024;

const FACTOR_KEY_BYTES = 32;
const KEY_FILE_BYTES_MADE = 32;
const PASSPHRASE_CHARACTERS_MIN = 12;
const ASCII_MAX = 0x7f;
/** The last of the ASCII characters that print nothing, but for one. */
const SPACE = 0x20;

/**
 * Key of 32 bytes that a secret leads to; the caller wipes it.
 *
 * @throws ProtegoError `ENCLAVE_UNLOCK_INVALID` for secrets that are too long or too short to be one
 */
export async function factorKey(factor: SaltedFactor, secret: UnlockSecret): Promise<Buffer> {
  mustBeBoundedSecret(secret);
  if (secret.kind === 'key-file') {
    return deriveKey(secret.content, 'unlock-key-file/1', FACTOR_KEY_BYTES, { salt: factor.salt });
  }
  if (factor.kind !== 'passphrase') throw invalid('a passphrase where a key file is needed');
  const { memoryKib, passes, lanes, salt } = factor;
  const password = composed(secret.passphrase);
  try {
    return await argon2Hash({ password, salt, memoryKib, passes, lanes, bytes: FACTOR_KEY_BYTES });
  } finally {
    password.fill(0);
  }
}

/**
 * Refuses a new secret that is easily guessed.
 *
 * @throws ProtegoError `ENCLAVE_UNLOCK_INVALID`
 */
export function mustBeStrong(secret: UnlockSecret): void {
  mustBeBoundedSecret(secret);
  if (secret.kind === 'key-file') return;
  // Decoded nevertheless, all bytes that are none would be one and the same character. It opens what was sealed so before.
  if (!isUtf8(secret.passphrase)) throw invalid('the passphrase is no UTF-8: save its file as UTF-8');
  // Continuation bytes of UTF-8 begin no character.
  const characters = secret.passphrase.reduce((count, byte) => count + ((byte & 0xc0) === 0x80 ? 0 : 1), 0);
  if (characters < PASSPHRASE_CHARACTERS_MIN) {
    throw invalid(`a passphrase has at least ${PASSPHRASE_CHARACTERS_MIN} characters`);
  }
  if (isBlank(secret.passphrase)) throw invalid('a passphrase has more than white space');
}

/**
 * Whether two secrets lead to the same keys, as two operators' must not; compared in constant time.
 *
 * @throws ProtegoError `ENCLAVE_UNLOCK_INVALID` as {@link factorKey}
 */
export function isSameSecret(one: UnlockSecret, other: UnlockSecret): boolean {
  const key = randomBytes(FACTOR_KEY_BYTES);
  const [first, second] = [one, other].map((secret) => {
    mustBeBoundedSecret(secret);
    const bytes = secret.kind === 'key-file' ? Buffer.from(secret.content) : composed(secret.passphrase);
    try {
      return hmacSha256(key, bytes);
    } finally {
      bytes.fill(0);
    }
  }) as [Buffer, Buffer];
  return timingSafeEqual(first, second);
}

/** Bytes of a secret as they were given. */
export function secretBytes(secret: UnlockSecret): Buffer {
  return secret.kind === 'key-file' ? secret.content : secret.passphrase;
}

/**
 * Makes a key file: 32 random bytes, for its owner only.
 *
 * @throws ProtegoError `USAGE_INVALID` when there is such a file; `LOG_WRITE_FAILED`, `LOG_READ_ONLY`, `LOG_DISK_FULL`
 */
export async function makeUnlockKeyFile(path: string): Promise<void> {
  const content = randomBytes(KEY_FILE_BYTES_MADE);
  await onDisk(path, async () => {
    try {
      if (!(await writeNewFile(path, content))) throw isThere(path);
    } finally {
      content.fill(0);
    }
    await syncDirectory(dirname(path));
  });
}

function mustBeBoundedSecret(secret: UnlockSecret): void {
  const { length } = secretBytes(secret);
  const [min, max] = secret.kind === 'key-file' ? [KEY_FILE_BYTES_MIN, KEY_FILE_BYTES_MAX] : [1, PASSPHRASE_BYTES_MAX];
  if (length < min || length > max) throw invalid(`a ${secret.kind} has ${min} to ${max} bytes`);
}

/** Whether there is nothing but white space; as {@link composed}, ASCII never becomes a string. */
function isBlank(passphrase: Buffer): boolean {
  if (passphrase.every((byte) => byte <= ASCII_MAX)) return passphrase.every((byte) => byte <= SPACE);
  return passphrase.toString('utf8').trim() === '';
}

function isThere(path: string): ProtegoError {
  const message = `\`${path}\` exists already: seal under it with --unlock-key-file, or name another`;
  return new ProtegoError('USAGE_INVALID', message, { path });
}

/**
 * The passphrase in composed form (Unicode NFC), as keyboards differ (RFC 8265, section 4.2). One in ASCII is its own
 * composed form and never becomes a string, which could not be wiped.
 */
function composed(passphrase: Buffer): Buffer {
  if (passphrase.every((byte) => byte <= ASCII_MAX)) return Buffer.from(passphrase);
  return Buffer.from(passphrase.toString('utf8').normalize('NFC'));
}

function invalid(problem: string): ProtegoError {
  return new ProtegoError('ENCLAVE_UNLOCK_INVALID', problem);
}
