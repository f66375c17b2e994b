import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ProtegoError, type Clock, type FieldClasses } from '@protego/contracts';
import { DerivedLogKeys } from './derived-log-keys';
import { deriveKeyInto } from './key-derivation';
import { openPseudonymKey, sealPseudonymKey, sharedPseudonymKey } from './pseudonym-key';
import { lockDirectory, type DirectoryLock } from './directory-lock';
import { formatHouseRecord, parseHouseRecord, type HouseRecord } from './house-record';
import { makeKeyDirectory, readKeyFile, readSecretFile, writeKeyFile } from './key-files';
import { type LogKeys } from './log-keys';
import { FileVault } from './file-vault';
import { GuardedBytes } from './memory/guarded-memory';
import { type PersonalDataVault } from './personal-data';
import { randomBytesInto } from './sodium';

const ROOT_FILE = 'root.secret';
const HOUSE_FILE = 'house.json';
const VAULT_FILE = 'vault';
const ROOT_BYTES = 32;

/** Where the keys of a log are, and what for. */
export interface HouseKeysOptions {
  /** The key directory; see {@link keysDirectoryOf}. */
  readonly directory: string;
  /** `write` creates a missing key directory and locks it; `read` changes nothing. */
  readonly mode: 'write' | 'read';
  /** Which fields are personal. Without it, every field of `data` counts as free text. */
  readonly fields?: FieldClasses;
  readonly clock?: Clock;
  /**
   * File with the key of tokens that the logs of one installation share; made when it is missing. A new key directory
   * takes it over, sealed, so that a person has the same token in each log. Without it a new directory has tokens of its own.
   */
  readonly pseudonymKeyFile?: string;
}

/** Where the keys of a log are, unless `named` says another place. */
export function keysDirectoryOf(logDirectory: string, named = ''): string {
  return named === '' ? join(logDirectory, 'keys') : named;
}

/** The keys of one site: of its log, and of the persons in it. */
export interface HouseKeys {
  readonly keys: LogKeys;
  readonly vault: PersonalDataVault;
  /**
   * Makes a new data key, under which new writer sessions seal their blocks; the old ones stay for what they sealed.
   * Returns its number.
   *
   * @throws ProtegoError `LOG_READ_ONLY` when opened for reading
   */
  rotateDataKey(): Promise<number>;
  /** Wipes the keys in memory and gives the directory back. */
  close(): Promise<void>;
}

/**
 * Opens the key directory of a log: `root.secret` (32 random bytes, all else is derived from it by HKDF-SHA256),
 * `house.json` (numbers of the data keys, authenticated) and `vault` (keys of persons).
 *
 * @throws ProtegoError `LOG_KEY_MISSING` when there is no root secret and none may be made; `LOG_KEYS_DAMAGED` when a file
 *   was altered or others can read it; `LOG_LOCKED` when another process writes; `LOG_DISK_FULL`, `LOG_READ_ONLY`,
 *   `LOG_WRITE_FAILED` from the disk
 */
export async function openHouseKeys(options: HouseKeysOptions): Promise<HouseKeys> {
  const { directory, mode } = options;
  if (mode === 'read') return openHouse(options, await readRoot(directory), undefined);
  await makeKeyDirectory(directory);
  const lock = await lockDirectory(directory, 'keys', () => heldByAnother(directory));
  try {
    return await openHouse(options, await readOrMakeRoot(directory), lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function heldByAnother(directory: string): ProtegoError {
  return new ProtegoError('LOG_LOCKED', `the keys in \`${directory}\` are in use by another writer`, { directory });
}

async function openHouse(
  options: HouseKeysOptions,
  secret: GuardedBytes,
  lock: DirectoryLock | undefined,
): Promise<HouseKeys> {
  try {
    return await openWithRoot(options, secret, lock);
  } catch (error) {
    secret.free();
    throw error;
  }
}

/** The house takes the root secret over. */
async function openWithRoot(
  options: HouseKeysOptions,
  secret: GuardedBytes,
  lock: DirectoryLock | undefined,
): Promise<HouseKeys> {
  const { directory } = options;
  const root = secret.bytes;
  let record = await readRecord(options, root);
  const vault = await openVault(options, root, record);
  const keys = new DerivedLogKeys(root, record.dataKeyIds);
  return {
    keys,
    vault,
    async rotateDataKey() {
      if (lock === undefined) throw new ProtegoError('LOG_READ_ONLY', 'the keys were opened for reading only');
      const id = keys.dataKeyId + 1;
      record = { ...record, dataKeyIds: [...record.dataKeyIds, id] };
      await writeKeyFile(directory, HOUSE_FILE, formatHouseRecord(record, secret.bytes));
      keys.addDataKey(id);
      return id;
    },
    async close() {
      try {
        await vault.close();
      } finally {
        keys.close();
        secret.free();
        await lock?.release();
      }
    },
  };
}

async function openVault(options: HouseKeysOptions, root: Buffer, record: HouseRecord): Promise<FileVault> {
  const pseudonymKey = pseudonymKeyOf(root, record);
  try {
    return await FileVault.open({ ...options, root, pseudonymKey: pseudonymKey.bytes });
  } finally {
    pseudonymKey.free();
  }
}

function pseudonymKeyOf(root: Buffer, { pseudonymKey }: HouseRecord): GuardedBytes {
  if (pseudonymKey !== undefined) return openPseudonymKey(pseudonymKey, root);
  const key = GuardedBytes.allocate(ROOT_BYTES);
  deriveKeyInto(key.bytes, root, 'pseudonym/1');
  return key;
}

async function readRoot(directory: string): Promise<GuardedBytes> {
  const root = await readSecretFile(join(directory, ROOT_FILE), ROOT_BYTES);
  if (root !== undefined) return root;
  const message = `no \`${ROOT_FILE}\` in \`${directory}\`: name the key directory of this log, or restore it`;
  throw new ProtegoError('LOG_KEY_MISSING', message, { directory });
}

async function readOrMakeRoot(directory: string): Promise<GuardedBytes> {
  const hasOthers = [HOUSE_FILE, VAULT_FILE].some((name) => existsSync(join(directory, name)));
  // Beside files that a lost secret sealed, a new one would open nothing: the old one has to come back.
  if (hasOthers || existsSync(join(directory, ROOT_FILE))) return readRoot(directory);
  const root = GuardedBytes.allocate(ROOT_BYTES);
  try {
    randomBytesInto(root.bytes);
    await writeKeyFile(directory, ROOT_FILE, root.bytes);
    return root;
  } catch (error) {
    root.free();
    throw error;
  }
}

async function readRecord(options: HouseKeysOptions, root: Buffer): Promise<HouseRecord> {
  const { directory, mode, pseudonymKeyFile } = options;
  const text = await readKeyFile(directory, HOUSE_FILE);
  if (text !== undefined) return parseHouseRecord(text, root, join(directory, HOUSE_FILE));
  if (mode === 'read' || existsSync(join(directory, VAULT_FILE))) {
    const message = `no \`${HOUSE_FILE}\` in \`${directory}\`: restore it`;
    throw new ProtegoError('LOG_KEY_MISSING', message, { directory });
  }
  // A first start that ended between the two files: no key of this directory was ever given out.
  const shared = pseudonymKeyFile === undefined ? undefined : await sharedPseudonymKey(pseudonymKeyFile);
  const record: HouseRecord = {
    dataKeyIds: [1],
    ...(shared === undefined ? {} : { pseudonymKey: sealPseudonymKey(shared.bytes, root) }),
  };
  shared?.free();
  await writeKeyFile(directory, HOUSE_FILE, formatHouseRecord(record, root));
  return record;
}
