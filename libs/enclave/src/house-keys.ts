import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ProtegoError, type Clock, type FieldClasses } from '@protego/contracts';
import { DerivedLogKeys } from './derived-log-keys';
import { deriveKeyInto, withDerivedKey } from './key-derivation';
import { openPseudonymKey, sealPseudonymKey, sharedPseudonymKey } from './pseudonym-key';
import { lockKeys, type DirectoryLock } from './directory-lock';
import { HOUSE_FILE, formatHouseRecord, parseHouseRecord, type HouseRecord } from './house-record';
import { makeKeyDirectory, readKeyFile, writeKeyFile } from './key-files';
import { type LogKeys } from './log-keys';
import { EventGate, type GateOptions } from './admission/event-gate';
import { FileVault } from './file-vault';
import { InProcessVault } from './in-process-vault';
import { GuardedBytes } from './memory/guarded-memory';
import { type LaunchedEnclave } from './platform/platform';
import { type PersonalDataVault } from './personal-data';
import { openRoot, type OpenedRoot, type RootAccess, type RootCustody } from './root/root-custody';
import { ROOT_FILE, hasRoot, wipeLeftRoot } from './root/root-files';
import { randomBytesInto } from './sodium';
import { type UnlockFile } from './unlock/unlock-files';
import { ROOT_BYTES } from './unlock/unlock-method';
import { VAULT_FILE } from './vault-disk';
import { VAULT_MARK_FILE, formatVaultMark, parseVaultMark } from './vault-mark';
import { VAULT_KEY_PURPOSE } from './vault-record';

/** Most data keys of one log, which are all derived at each start: one a day for 27 years. */
export const DATA_KEYS_MAX = 10_000;

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
  /** Which messages become events; without it the vault admits none. */
  readonly gate?: GateOptions;
  /** Files with the secrets that unlock a sealed root, in their order; whoever opens the root reads them, nobody else. */
  readonly unlock?: readonly UnlockFile[];
}

/** Opens the keys of a log: in processes of their own (`openEnclave`), or in this one ({@link openHouseKeys}). */
export type HouseOpener = (options: HouseKeysOptions) => Promise<HouseKeys>;

/** Where the keys of a log are, unless `named` says another place. */
export function keysDirectoryOf(logDirectory: string, named = ''): string {
  return named === '' ? join(logDirectory, 'keys') : named;
}

/**
 * Refuses a directory that holds no keys, without opening any.
 *
 * @throws ProtegoError `LOG_KEY_MISSING`
 */
export function requireKeys(directory: string): void {
  if (hasRoot(directory) && existsSync(join(directory, HOUSE_FILE))) return;
  const message = `no keys in \`${directory}\`: name the key directory of this log, or restore it`;
  throw new ProtegoError('LOG_KEY_MISSING', message, { directory });
}

/** The keys of one site: of its log, and of the persons in it. */
export interface HouseKeys {
  readonly keys: LogKeys;
  readonly vault: PersonalDataVault;
  /**
   * Makes a new data key, under which a writer seals all later blocks; the old ones stay for what they sealed. Its number is
   * durable before it resolves, and before {@link LogKeys.dataKeyId} tells of it. Returns the number.
   *
   * @throws ProtegoError `LOG_READ_ONLY` when opened for reading; `DATA_KEYS_FULL` when there are {@link DATA_KEYS_MAX};
   *   `LOG_DISK_FULL`, `LOG_WRITE_FAILED` from the disk, and then the old key stays in use
   */
  rotateDataKey(): Promise<number>;
  /** Wipes the keys in memory and gives the directory back. */
  close(): Promise<void>;
}

/**
 * Opens the key directory of a log: `root.secret` (32 random bytes, all else is derived from it by HKDF-SHA256),
 * `house.json` (numbers of the data keys, authenticated) and `vault` (keys of persons).
 *
 * @throws ProtegoError `ENCLAVE_NOT_ATTESTED` when the root is sealed: only an enclave opens it; `LOG_KEY_MISSING` when there is no root secret and none may be made; `LOG_KEYS_DAMAGED` when a file
 *   was altered or others can read it; `LOG_LOCKED` when another process writes; `LOG_DISK_FULL`, `LOG_READ_ONLY`,
 *   `LOG_WRITE_FAILED` from the disk
 */
export async function openHouseKeys(options: HouseKeysOptions): Promise<HouseKeys> {
  const { house, secrets } = await openServedHouse(options);
  freeSecrets(secrets);
  return house;
}

/** A house as the process has it that keeps its secrets. */
export interface ServedHouse extends HouseKeys {
  readonly keys: DerivedLogKeys;
  readonly vault: InProcessVault;
}

/** Secrets of a house for the processes that share its work, in guarded memory. */
export interface HouseSecrets {
  /** Root secret, 32 bytes. */
  readonly root: GuardedBytes;
  /** Key of the tokens, 32 bytes. */
  readonly pseudonymKey: GuardedBytes;
}

/** Wipes the secrets and gives their memory back. */
export function freeSecrets({ root, pseudonymKey }: HouseSecrets): void {
  root.free();
  pseudonymKey.free();
}

/** What {@link openServedHouse} opens. */
export interface OpenedHouse {
  readonly house: ServedHouse;
  readonly fileVault: FileVault;
  readonly custody: RootCustody;
  /** A copy; the caller frees it. */
  readonly secrets: HouseSecrets;
}

/**
 * As {@link openHouseKeys}, with what lies behind the interface.
 *
 * @param enclave what opens a root that is sealed to its platform and code
 * @throws ProtegoError as {@link openHouseKeys}, and for a sealed root as `openRoot`
 */
export async function openServedHouse(options: HouseKeysOptions, enclave?: LaunchedEnclave): Promise<OpenedHouse> {
  const { directory, mode, unlock = [] } = options;
  const access = { unlock, ...(enclave === undefined ? {} : { enclave }) };
  if (mode === 'read') return openHouse(options, await openRoot(directory, access), undefined);
  await makeKeyDirectory(directory);
  const lock = await lockKeys(directory);
  try {
    return await openHouse(options, await openOrMakeRoot(directory, access), lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function openHouse(
  options: HouseKeysOptions,
  { root: secret, custody }: OpenedRoot,
  lock: DirectoryLock | undefined,
): Promise<OpenedHouse> {
  try {
    // A sealing that was interrupted after its last step but one.
    if (lock !== undefined && custody.kept === 'sealed') await wipeLeftRoot(options.directory);
    return { ...(await openWithRoot(options, secret, lock)), custody };
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
): Promise<Omit<OpenedHouse, 'custody'>> {
  const gate = options.gate === undefined ? undefined : new EventGate(options.gate);
  const root = secret.bytes;
  const record = await readRecord(options, root);
  const secrets = secretsOf(root, record);
  try {
    const fileVault = await FileVault.open({ ...options, root, pseudonymKey: secrets.pseudonymKey.bytes });
    const vault = new InProcessVault(fileVault, gate);
    const readDataKeyIds = async (): Promise<readonly number[]> => (await readRecord(options, root)).dataKeyIds;
    const keys = new DerivedLogKeys(root, record.dataKeyIds, lock === undefined ? readDataKeyIds : undefined);
    const rotation = new DataKeyRotation(options.directory, root, keys, record);
    return { house: houseOf({ keys, vault, rotation, secret, lock }), fileVault, secrets };
  } catch (error) {
    freeSecrets(secrets);
    throw error;
  }
}

interface HouseParts {
  readonly keys: DerivedLogKeys;
  readonly vault: InProcessVault;
  readonly rotation: DataKeyRotation;
  readonly secret: GuardedBytes;
  readonly lock: DirectoryLock | undefined;
}

function houseOf({ keys, vault, rotation, secret, lock }: HouseParts): ServedHouse {
  return {
    keys,
    vault,
    async rotateDataKey() {
      if (lock === undefined) throw new ProtegoError('LOG_READ_ONLY', 'the keys were opened for reading only');
      return rotation.rotate();
    },
    async close() {
      try {
        await rotation.ended();
        await vault.close();
      } finally {
        keys.close();
        secret.free();
        await lock?.release();
      }
    },
  };
}

/** Makes data keys one after the other: two at a time would take the same number. */
class DataKeyRotation {
  readonly #root: Buffer;
  #last: Promise<unknown> = Promise.resolve();
  #isEnded = false;

  constructor(
    private readonly directory: string,
    root: Buffer,
    private readonly keys: DerivedLogKeys,
    private record: HouseRecord,
  ) {
    this.#root = root;
  }

  rotate(): Promise<number> {
    if (this.#isEnded) return Promise.reject(new ProtegoError('LOG_CLOSED', 'the keys of the log were closed'));
    const rotated = this.#last.then(() => this.#rotate());
    this.#last = rotated.catch(() => undefined);
    return rotated;
  }

  /** Takes no more, and resolves when none is under way. */
  async ended(): Promise<void> {
    this.#isEnded = true;
    await this.#last;
  }

  async #rotate(): Promise<number> {
    const { dataKeyIds } = this.record;
    if (dataKeyIds.length >= DATA_KEYS_MAX) {
      const message = `the log has \`${dataKeyIds.length}\` data keys, which is the most: go on with a new log`;
      throw new ProtegoError('DATA_KEYS_FULL', message, { dataKeysMax: DATA_KEYS_MAX });
    }
    const dataKeyId = this.keys.dataKeyId + 1;
    const record = { ...this.record, dataKeyIds: [...dataKeyIds, dataKeyId] };
    // Whoever looks at the keys sees the new one only when no crash can take its number back.
    await writeKeyFile(this.directory, HOUSE_FILE, formatHouseRecord(record, this.#root));
    this.record = record;
    this.keys.addDataKey(dataKeyId);
    return dataKeyId;
  }
}

function secretsOf(root: Buffer, record: HouseRecord): HouseSecrets {
  const pseudonymKey = pseudonymKeyOf(root, record);
  const copy = GuardedBytes.allocate(ROOT_BYTES);
  copy.bytes.set(root);
  return { root: copy, pseudonymKey };
}

function pseudonymKeyOf(root: Buffer, { pseudonymKey }: HouseRecord): GuardedBytes {
  if (pseudonymKey !== undefined) return openPseudonymKey(pseudonymKey, root);
  const key = GuardedBytes.allocate(ROOT_BYTES);
  deriveKeyInto(key.bytes, root, 'pseudonym/1');
  return key;
}

async function openOrMakeRoot(directory: string, access: RootAccess): Promise<OpenedRoot> {
  const hasOthers = [HOUSE_FILE, VAULT_FILE, VAULT_MARK_FILE].some((name) => existsSync(join(directory, name)));
  // Beside files that a lost secret sealed, a new one would open nothing: the old one has to come back.
  if (hasOthers || hasRoot(directory)) return openRoot(directory, access);
  const root = GuardedBytes.allocate(ROOT_BYTES);
  try {
    randomBytesInto(root.bytes);
    await writeKeyFile(directory, ROOT_FILE, root.bytes);
    return { root, custody: { kept: 'file', factors: [] } };
  } catch (error) {
    root.free();
    throw error;
  }
}

async function readRecord(options: HouseKeysOptions, root: Buffer): Promise<HouseRecord> {
  const { directory, mode, pseudonymKeyFile } = options;
  const text = await readKeyFile(directory, HOUSE_FILE);
  if (text !== undefined) {
    const record = parseHouseRecord(text, root, join(directory, HOUSE_FILE));
    mustHaveVault(directory);
    return record;
  }
  if (mode === 'read' || existsSync(join(directory, VAULT_FILE)) || (await isVaultKnown(directory, root))) {
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
  // From here on, a vault that is missing was there, or this says that it never was.
  const mark = withDerivedKey(root, VAULT_KEY_PURPOSE, (vaultKey) => formatVaultMark([], vaultKey));
  await writeKeyFile(directory, VAULT_MARK_FILE, mark);
  await writeKeyFile(directory, HOUSE_FILE, formatHouseRecord(record, root));
  return record;
}

/** Beside `house.json` there is always the one or the other; what they hold is compared where the vault is opened. */
function mustHaveVault(directory: string): void {
  if ([VAULT_FILE, VAULT_MARK_FILE].some((name) => existsSync(join(directory, name)))) return;
  const message =
    `no \`${VAULT_FILE}\` in \`${directory}\`: restore it. If it is lost for good, make an empty file \`${VAULT_FILE}\` for its owner only: ` +
    'then the log opens, and whoever it names stays unknown';
  throw new ProtegoError('LOG_KEY_MISSING', message, { directory });
}

/** Whether there was a vault here once. */
async function isVaultKnown(directory: string, root: Buffer): Promise<boolean> {
  const text = await readKeyFile(directory, VAULT_MARK_FILE);
  if (text === undefined) return false;
  return withDerivedKey(root, VAULT_KEY_PURPOSE, (vaultKey) => parseVaultMark(text, vaultKey).length > 0);
}
