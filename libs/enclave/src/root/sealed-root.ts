import { hash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { ProtegoError, isProtegoError, type ErrorCode } from '@protego/contracts';
import { GuardedBytes } from '../memory/guarded-memory';
import { type LaunchedEnclave } from '../platform/platform';
import { readSealedFile, writeSealedFile } from '../sealing/sealed-file';
import { unlockMethodOf, type UnlockFactor } from '../unlock/unlock-method';
import { type UnlockSecret } from '../unlock/unlock-secret';
import { unwrapRoot } from '../unlock/wrapped-root';
import { SEALED_ROOT_FILE } from './root-files';

/** Kinds of the secrets that unlock a root, in their order. */
export type FactorKinds = readonly UnlockFactor['kind'][];

/** A root secret that was sealed. */
export interface UnsealedRoot {
  /** 32 bytes; the caller frees it. */
  readonly root: GuardedBytes;
  readonly factors: FactorKinds;
}

const LABEL = 'root';
const COUNTER_ID_LENGTH = 32;
/** Refusals of a blob after which only the recovery copy, or what sealed it, helps. */
const SEALED_ELSEWHERE: readonly ErrorCode[] = [
  'ENCLAVE_BLOB_DAMAGED',
  'ENCLAVE_CODE_MISMATCH',
  'ENCLAVE_LABEL_MISMATCH',
  'ENCLAVE_PLATFORM_MISMATCH',
  'ENCLAVE_ROLLED_BACK',
];

/**
 * Seals a wrapped root into `root.sealed` of a key directory, for enclaves of the same code, and makes what was sealed there
 * before void. The caller holds the lock of the directory.
 *
 * @param wrapped what `wrapRoot` made
 * @throws ProtegoError as `writeSealedFile`
 */
export async function writeSealedRoot(enclave: LaunchedEnclave, directory: string, wrapped: Buffer): Promise<void> {
  await writeSealedFile(enclave, { directory, name: SEALED_ROOT_FILE }, wrapped, sealingOf(directory));
}

/**
 * Opens `root.sealed` of a key directory.
 *
 * @param secretsOf gives the secrets once it is known that this enclave may have the root at all
 * @throws ProtegoError `ENCLAVE_PLATFORM_MISMATCH`, `ENCLAVE_CODE_MISMATCH`, `ENCLAVE_ROLLED_BACK`, `ENCLAVE_LABEL_MISMATCH`
 *   when it was sealed in another directory, `ENCLAVE_BLOB_DAMAGED`; `ENCLAVE_UNLOCK_NEEDED` when secrets are lacking,
 *   `ENCLAVE_UNLOCK_REFUSED` when they are wrong
 */
export async function openSealedRoot(
  enclave: LaunchedEnclave,
  directory: string,
  secretsOf: () => Promise<readonly UnlockSecret[]>,
): Promise<UnsealedRoot> {
  const wrapped = await openWrapped(enclave, directory);
  try {
    const factors = unlockMethodOf(wrapped).factors.map(({ kind }) => kind);
    const secrets = await secretsOf();
    if (secrets.length < factors.length) throw secretsNeeded(directory, factors);
    return { root: GuardedBytes.take(await unwrapRoot(wrapped, secrets)), factors };
  } finally {
    wrapped.fill(0);
  }
}

async function openWrapped(enclave: LaunchedEnclave, directory: string): Promise<Buffer> {
  try {
    const wrapped = await readSealedFile(enclave, { directory, name: SEALED_ROOT_FILE }, sealingOf(directory));
    if (wrapped !== undefined) return wrapped;
  } catch (error) {
    throw isProtegoError(error) && SEALED_ELSEWHERE.includes(error.code) ? withRemedy(error, directory) : error;
  }
  const message = `no \`${SEALED_ROOT_FILE}\` in \`${directory}\`: name the key directory of this log, or restore it`;
  throw new ProtegoError('LOG_KEY_MISSING', message, { directory });
}

/**
 * The counter is of this place on this machine, named after the real path of the directory: whoever seals a restored copy of the
 * log elsewhere leaves this one as it is, and no older file that was sealed here opens again, unless the platform's counters were put
 * back with it.
 */
function sealingOf(directory: string): { policy: 'code'; label: string; counter: string } {
  const id = hash('sha256', realpathSync(directory), 'hex').slice(0, COUNTER_ID_LENGTH);
  return { policy: 'code', label: LABEL, counter: `root/${id}` };
}

function withRemedy({ code, message, details }: ProtegoError, directory: string): ProtegoError {
  const remedy =
    'open it where and with what it was sealed; or, after an update, on another machine or in another directory, ' +
    'seal the root anew from its recovery copy: `protego enclave seal --root-secret FILE`';
  return new ProtegoError(code, `\`${SEALED_ROOT_FILE}\` in \`${directory}\`: ${message}; ${remedy}`, details);
}

function secretsNeeded(directory: string, factors: FactorKinds): ProtegoError {
  const needed = factors.map((kind) => (kind === 'key-file' ? 'a key file' : 'a passphrase')).join(' and then ');
  const message =
    `the root secret in \`${directory}\` opens with ${needed}: name the files with --unlock-key-file and ` +
    '--unlock-passphrase-file, or in `enclave.unlock` of the engine';
  return new ProtegoError('ENCLAVE_UNLOCK_NEEDED', message, { directory, factors: [...factors] });
}
