import { timingSafeEqual } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ProtegoError } from '@protego/contracts';
import { lockKeys } from '../directory-lock';
import { HOUSE_FILE, parseHouseRecord } from '../house-record';
import { onDisk, readKeyFile, readSecretFile, removeUnfinished, writeKeyFile } from '../key-files';
import { type GuardedBytes } from '../memory/guarded-memory';
import { type LaunchedEnclave } from '../platform/platform';
import { ROOT_BYTES } from '../unlock/unlock-method';
import { HeldSecrets, type UnlockFile } from '../unlock/unlock-files';
import { makeUnlockKeyFile, type UnlockSecret } from '../unlock/unlock-secret';
import { unwrapRoot, wrapRoot } from '../unlock/wrapped-root';
import { type RootCustody } from './root-custody';
import {
  ROOT_FILE,
  isRootSealed,
  mustBeRemovable,
  mustHoldRoot,
  readPlainRoot,
  removePlainRoot,
  writeRecoveryCopy,
} from './root-files';
import { openSealedRoot, writeSealedRoot } from './sealed-root';

/** How a root secret is to be sealed. */
export interface SealRootOptions {
  /** The key directory. */
  readonly directory: string;
  /** Files with the secrets that are to unlock it from now on, in their order; a key file that is `isNew` is made. */
  readonly unlock: readonly (UnlockFile & { readonly isNew?: boolean })[];
  /** Where a recovery copy of the root goes; without it none is made. */
  readonly recoveryFile?: string;
  /** File with the root secret that the operator brings back; without it, that of the key directory is sealed. */
  readonly rootSecretFile?: string;
}

/** What was sealed. */
export interface SealedRootReport extends RootCustody {
  /** Where the root secret came from: `root.sealed` of the key directory was sealed anew. */
  readonly from: 'root.secret' | 'root.sealed' | 'recovery copy';
  /** Path of the recovery copy; null when none was asked for. */
  readonly recoveryFile: string | null;
}

/**
 * Seals the root secret of a key directory to this enclave's platform and code, and to unlock secrets. `root.secret` goes
 * last, once the sealed one was seen to open with what lies on the disk; until then it is what counts. It is opened once more
 * afterwards; if that fails, `root.secret` is put back. Whoever repeats a sealing that was interrupted ends it.
 *
 * @throws ProtegoError `LOG_LOCKED` while the keys are written; `LOG_KEY_MISSING`, `LOG_KEYS_DAMAGED` when the root is
 *   missing or that of other keys; `ENCLAVE_ROOT_LINKED` when `root.secret` has another name; `ENCLAVE_UNLOCK_INVALID` for
 *   secrets that are none; `USAGE_INVALID` for a recovery file that holds something else, and for a file that is to be kept
 *   and would be overwritten; `ENCLAVE_UNLOCK_REFUSED` when an unlock file has changed meanwhile; as `openSealedRoot` when a sealed root is sealed anew; errors of the disk
 */
export async function sealRoot(enclave: LaunchedEnclave, options: SealRootOptions): Promise<SealedRootReport> {
  const { directory } = options;
  if (!existsSync(join(directory, HOUSE_FILE))) throw noKeys(directory);
  const lock = await lockKeys(directory);
  try {
    return await sealLocked(enclave, options);
  } finally {
    await lock.release();
  }
}

async function sealLocked(enclave: LaunchedEnclave, options: SealRootOptions): Promise<SealedRootReport> {
  const { directory, unlock, recoveryFile, rootSecretFile } = options;
  const kept = [recoveryFile, rootSecretFile, ...unlock.map(({ path }) => path)];
  mustBeRemovable(
    directory,
    kept.filter((path) => path !== undefined),
  );
  const made: string[] = [];
  let held: HeldSecrets | undefined;
  let root: GuardedBytes | undefined;
  try {
    for (const { isNew, kind, path } of unlock) {
      if (isNew === true) {
        await makeUnlockKeyFile(path);
        made.push(path);
      } else if (kind === 'key-file') await onDisk(path, () => removeUnfinished(path));
    }
    held = await HeldSecrets.read(unlock);
    const { secrets } = held;
    const from = rootSourceOf(options);
    root = await rootFrom(enclave, options, from, secrets);
    await mustFit(directory, root.bytes);
    // Before anything is written: a secret that is too weak leaves nothing behind.
    const wrapped = await wrapRoot(root.bytes, secrets);
    if (recoveryFile !== undefined) await writeRecoveryCopy(recoveryFile, root.bytes);
    await mustUnwrap(wrapped, held, root.bytes);
    // From here on the key files may be needed.
    made.length = 0;
    await writeSealedRoot(enclave, directory, wrapped);
    wrapped.fill(0);
    const factors = await mustOpen(enclave, options, held, root.bytes);
    if (await removePlainRoot(directory)) await mustStillOpen(enclave, options, held, root.bytes);
    return { kept: 'sealed', factors, from, recoveryFile: recoveryFile ?? null };
  } finally {
    held?.free();
    root?.free();
    for (const path of made) await rm(path, { force: true });
  }
}

/** Where the root secret that is to be sealed comes from. */
export function rootSourceOf({ directory, rootSecretFile }: SealRootOptions): SealedRootReport['from'] {
  if (rootSecretFile !== undefined) return 'recovery copy';
  return existsSync(join(directory, ROOT_FILE)) || !isRootSealed(directory) ? 'root.secret' : 'root.sealed';
}

async function rootFrom(
  enclave: LaunchedEnclave,
  { directory, rootSecretFile = '' }: SealRootOptions,
  from: SealedRootReport['from'],
  secrets: readonly UnlockSecret[],
): Promise<GuardedBytes> {
  if (from === 'root.secret') return readPlainRoot(directory);
  if (from === 'root.sealed') {
    return (await openSealedRoot(enclave, directory, () => Promise.resolve(secrets))).root;
  }
  const root = await readSecretFile(rootSecretFile, ROOT_BYTES);
  if (root !== undefined) return root;
  throw new ProtegoError('LOG_KEY_MISSING', `there is no root secret in \`${rootSecretFile}\``, { rootSecretFile });
}

/** The root must be that of the keys beside it, and `root.secret` no other: it is removed. */
async function mustFit(directory: string, root: Buffer): Promise<void> {
  const record = await readKeyFile(directory, HOUSE_FILE);
  if (record === undefined) throw noKeys(directory);
  parseHouseRecord(record, root, join(directory, HOUSE_FILE));
  const plain = await readSecretFile(join(directory, ROOT_FILE), ROOT_BYTES);
  const isSame = plain === undefined || timingSafeEqual(plain.bytes, root);
  plain?.free();
  if (isSame) return;
  const message = `\`${ROOT_FILE}\` in \`${directory}\` is another secret than the one that was given: move it away`;
  throw new ProtegoError('LOG_KEYS_DAMAGED', message, { directory });
}

/** What was wrapped must unwrap with the secrets as they lie on the disk, before what was sealed earlier goes. */
async function mustUnwrap(wrapped: Buffer, held: HeldSecrets, root: Buffer): Promise<void> {
  const again = await held.readAgain();
  try {
    const unwrapped = await unwrapRoot(wrapped, again.secrets);
    const isSame = timingSafeEqual(unwrapped, root);
    unwrapped.fill(0);
    if (!isSame) throw opensAsAnother();
  } finally {
    again.free();
  }
}

/** What was sealed must open again, all of it from the disk, before the plain secret goes. */
async function mustOpen(
  enclave: LaunchedEnclave,
  { directory, recoveryFile }: SealRootOptions,
  held: HeldSecrets,
  root: Buffer,
): Promise<RootCustody['factors']> {
  const again = await held.readAgain();
  try {
    const opened = await openSealedRoot(enclave, directory, () => Promise.resolve(again.secrets));
    const isSame = timingSafeEqual(opened.root.bytes, root);
    opened.root.free();
    if (!isSame) throw opensAsAnother();
    if (recoveryFile !== undefined) await mustHoldRoot(recoveryFile, root);
    return opened.factors;
  } finally {
    again.free();
  }
}

/** As long as this process knows the root, it need not be lost with what has become of the files. */
async function mustStillOpen(...opening: Parameters<typeof mustOpen>): Promise<void> {
  const [, { directory }, , root] = opening;
  try {
    await mustOpen(...opening);
  } catch (error) {
    await writeKeyFile(directory, ROOT_FILE, root);
    throw error;
  }
}

function opensAsAnother(): ProtegoError {
  return new ProtegoError('ENCLAVE_BLOB_DAMAGED', 'the sealed root opens as another than the one that was sealed');
}

function noKeys(directory: string): ProtegoError {
  const message = `no keys in \`${directory}\`: name the key directory of this log, or restore it`;
  return new ProtegoError('LOG_KEY_MISSING', message, { directory });
}
