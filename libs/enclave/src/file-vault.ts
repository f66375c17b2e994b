import {
  ProtegoError,
  UNDECLARED_FIELDS,
  messageOf,
  systemClock,
  type Clock,
  type FieldClasses,
  type OpenedEvent,
  type ProtegoEvent,
} from '@protego/contracts';
import { type KnownMessage } from './admission/known-messages';
import { Tokeniser } from './identity';
import { deriveKeyInto } from './key-derivation';
import { KeyRing, type AppendSlot, type KeyOwner } from './key-ring';
import { GuardedBytes } from './memory/guarded-memory';
import { type PersonRef, type SealedEvent, type SlotKey } from './personal-data';
import { readingsOf } from './byte-readings';
import type { MemoryImage } from './memory/memory-image';
import { PersonLookup } from './person-lookup';
import { openFields } from './event-opener';
import { applyOpened, type OpenedFields, type OpeningScope } from './opened-fields';
import { EventSealer, monthNameOf } from './event-sealer';
import {
  KEY_BYTES,
  SLOT_KINDS,
  guardedRecordKeyOf,
  openSlot,
  readSealedPart,
  recordKeyOf,
  sealSlots,
  type SealedPart,
  type SealedSlot,
} from './sealed-part';
import { openVaultForReading, openVaultForWriting, type VaultDisk } from './vault-disk';
import { VAULT_KEY_PURPOSE } from './vault-record';
import { tellOfSlot, type SlotListener } from './vault-listener';
import { VaultStore, type VaultFollower, type VaultLimits } from './vault-store';
import type { VaultUse } from './vault-use';

/** What a vault is made of. */
export interface FileVaultOptions {
  /** The key directory. */
  readonly directory: string;
  /** A replica has read the file, makes no keys, and hears of changes from the process that writes ({@link FileVault.follow}). */
  readonly mode: 'write' | 'read' | 'replica';
  /** Root secret, 32 bytes; not kept, and the caller's to wipe. */
  readonly root: Buffer;
  /** Key of the tokens, 32 bytes, not kept; by default one derived from the root secret. */
  readonly pseudonymKey?: Buffer;
  readonly fields?: FieldClasses;
  readonly clock?: Clock;
  /** In place of the file `vault`. */
  readonly disk?: VaultDisk;
  readonly limits?: VaultLimits;
}

/** How often a reader looks for what the writer has added or destroyed, milliseconds. */
const REFRESH_MS = 500;
const TEXT_BYTES_MAX = 16 * 1024 * 1024;
const LENGTH_BYTES = 4;
const PAD_BYTES = 16;

/** A replica cannot make keys: what needs a new one is for the process that writes. */
export class KeeperNeeded extends Error {
  override readonly name = 'KeeperNeeded';

  constructor() {
    super('a key has to be made by the process that keeps the vault');
  }
}

/**
 * The vault in the process: keys of persons in the file `vault` of the key directory, each sealed under a key of the root
 * secret. In memory, all keys are encrypted, or in guarded memory while they are in use. When the encrypted memory is found
 * altered, all keys are wiped: the call that finds it throws ProtegoError `ENCLAVE_MEMORY_FAULT`, and every later one but
 * {@link FileVault.close} `ENCLAVE_LOCKED`. Printing the object shows no secret.
 */
export class FileVault {
  /** What is personal. */
  readonly fields: FieldClasses;
  readonly #ring: KeyRing;
  readonly #tokeniser: Tokeniser;
  readonly #sealer: EventSealer;
  readonly #persons: PersonLookup;
  readonly #secrets: VaultSecrets;
  readonly #mode: FileVaultOptions['mode'];
  readonly #clock: Clock;
  readonly #store: VaultStore;
  readonly #append: AppendSlot;
  #refreshedAtMs: number;

  private constructor(
    { mode, fields = UNDECLARED_FIELDS, clock = systemClock }: FileVaultOptions,
    ring: KeyRing,
    store: VaultStore,
    secrets: VaultSecrets,
  ) {
    this.#ring = ring;
    this.#store = store;
    this.#secrets = secrets;
    this.#mode = mode;
    this.#clock = clock;
    this.#refreshedAtMs = clock.monotonicMs();
    this.#append = (slot) => {
      if (mode === 'replica') throw new KeeperNeeded();
      if (mode === 'read')
        throw new ProtegoError('LOG_READ_ONLY', 'the vault was opened for reading: it makes no keys');
      return store.append(slot);
    };
    this.#tokeniser = new Tokeniser(secrets.tokenKey);
    this.#persons = new PersonLookup(ring, this.#tokeniser);
    this.fields = fields;
    this.#sealer = new EventSealer(fields, this.#tokeniser, ring, secrets.contentKey, this.#append);
  }

  /**
   * Opens the vault of a key directory. The caller holds the lock of the directory when it writes.
   *
   * @throws ProtegoError `LOG_KEYS_DAMAGED` when a slot cannot be read; the errors of the disk
   */
  static async open(options: FileVaultOptions): Promise<FileVault> {
    const secrets = vaultSecretsOf(options);
    let ring: KeyRing | undefined;
    try {
      ring = new KeyRing(() => {
        secrets.isLocked = true;
        secrets.memory.free();
      });
      return new FileVault(options, ring, await openStore(options, secrets.vaultKey, ring), secrets);
    } catch (error) {
      ring?.close();
      secrets.memory.free();
      throw error;
    }
  }

  /** Keys and slots in numbers. */
  get use(): VaultUse {
    const { s: staff, p: patient, m: month } = this.#ring.keyCounts;
    const { slotCount: slots, slotsMax, compaction } = this.#store;
    const { liveSlots, aliasesLeftOut } = this.#ring;
    // The first slot, a mark, stays.
    const deadSlots = Math.max(0, slots - liveSlots - 1);
    return { slots, slotsMax, deadSlots, compaction, keys: { staff, patient, month }, aliasesLeftOut };
  }

  /** Encrypts all keys in memory: until one is used again, none is there as plaintext. */
  evictKeys(): void {
    this.#requireUnlocked();
    this.#ring.evict();
  }

  /** What can be seen of the keys' memory without its own keys. */
  get memoryImage(): MemoryImage {
    return this.#ring.memoryImage;
  }

  seal(event: ProtegoEvent): SealedEvent {
    this.#requireUnlocked();
    return this.#sealer.seal(event);
  }

  /** Seals the event of a message of a known kind. */
  sealMessage(message: KnownMessage): SealedEvent {
    this.#requireUnlocked();
    return this.#sealer.sealMessage(message);
  }

  async flush(): Promise<void> {
    this.#requireUnlocked();
    if (this.#mode === 'write') await this.#store.flush();
  }

  /** Tells somebody of every change from now on, for replicas. */
  follow(follower: VaultFollower): void {
    this.#store.follow(follower);
  }

  /**
   * Takes over a change that the writer told of.
   *
   * @throws ProtegoError `LOG_KEYS_DAMAGED` when it is of another vault, or was altered
   */
  applyChange(bytes: Buffer, number: number): void {
    this.#requireUnlocked();
    const ring = this.#ring;
    const listener: SlotListener = {
      onLive: (slot, at) => ring.onLive(slot, at),
      onDestroyed: (keyId) => {
        ring.onDestroyed(keyId);
        // The name may be among those that are remembered for speed.
        this.#tokeniser.forget();
      },
    };
    if (tellOfSlot(bytes, number, this.#secrets.vaultKey, listener) === undefined)
      throw new ProtegoError('LOG_KEYS_DAMAGED', `a change of slot \`${number}\` of the vault cannot be read`);
  }

  /** What the slots of a sealed part say. */
  openFields(sealed: Uint8Array, scope: OpeningScope): OpenedFields {
    this.#follow();
    const part = readSealedPart(sealed);
    return openFields(part, (slot) => this.#recordKeyOf(part, slot), scope);
  }

  openForPipeline(event: ProtegoEvent, sealed: Uint8Array): OpenedEvent {
    return this.#open(event, sealed, 'staff-and-text');
  }

  reveal(event: ProtegoEvent, sealed: Uint8Array): OpenedEvent {
    return this.#open(event, sealed, 'all');
  }

  slotKeys(sealed: Uint8Array): SlotKey[] {
    this.#follow();
    if (sealed.length === 0) return [];
    const part = readSealedPart(sealed);
    return part.slots.flatMap((each) => {
      const owners = this.#ownersOf(each);
      // These leave the vault, each to open one slot of one record.
      return owners === undefined ? [] : [{ slot: each.slot, key: recordKeyOf(part.salt, each.slot, owners) }];
    });
  }

  sealText(text: Uint8Array, source: string, timeMs: number): Buffer {
    this.#requireUnlocked();
    const found = new Set<KeyOwner>();
    const bytes = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
    const readings = readingsOf(bytes);
    for (const each of readings) this.#ring.searchNames(each, found, readings.length);
    if (found.size === 0) {
      const month = this.#tokeniser.identify('m', monthNameOf(source, timeMs), 'plain');
      found.add(this.#ring.ownerOf('m', month, this.#append));
    }
    const plaintext = Buffer.alloc(Math.ceil((LENGTH_BYTES + text.length) / PAD_BYTES) * PAD_BYTES);
    plaintext.writeUInt32BE(text.length, 0);
    bytes.copy(plaintext, LENGTH_BYTES);
    return sealSlots([{ kind: SLOT_KINDS.bytes, owners: [...found], plaintext }], TEXT_BYTES_MAX);
  }

  openText(sealed: Uint8Array): Buffer | undefined {
    this.#follow();
    const part = readSealedPart(sealed);
    const [slot] = part.slots;
    const recordKey = slot === undefined ? undefined : this.#recordKeyOf(part, slot);
    if (slot === undefined || recordKey === undefined) return undefined;
    const plaintext = openSlot(part, slot, recordKey);
    recordKey.fill(0);
    if (plaintext === undefined || slot.kind !== SLOT_KINDS.bytes) {
      throw new ProtegoError('LOG_BLOCK_CORRUPT', 'a sealed text was altered');
    }
    return plaintext.subarray(LENGTH_BYTES, LENGTH_BYTES + plaintext.readUInt32BE(0));
  }

  find(subject: string): PersonRef | undefined {
    this.#follow();
    return this.#persons.find(subject);
  }

  tokensOf(subject: string): string[] {
    this.#follow();
    return this.#persons.tokensOf(subject);
  }

  namesakesOf(names: readonly string[]): string[] {
    this.#follow();
    return [...new Set(names.flatMap((name) => this.#ring.named(name)).map(({ token }) => token))];
  }

  async destroy(keyIds: readonly string[]): Promise<number> {
    this.#requireUnlocked();
    if (this.#mode !== 'write')
      throw new ProtegoError('LOG_READ_ONLY', 'the vault was opened for reading: it destroys nothing');
    const slots = new Map<Buffer, readonly number[]>();
    for (const id of new Set(keyIds)) {
      const owner = this.#ring.byKeyId(Buffer.from(id, 'hex'));
      if (owner === undefined) continue;
      slots.set(owner.keyId, [...owner.slots]);
      this.#ring.onDestroyed(owner.keyId);
    }
    this.#tokeniser.forget();
    await this.#store.destroy(slots);
    return slots.size;
  }

  async close(): Promise<void> {
    try {
      if (this.#mode === 'write' && !this.#secrets.isLocked) await this.#store.mark();
    } finally {
      await this.#store.close();
      this.#ring.close();
      this.#tokeniser.forget();
      this.#sealer.close();
      this.#secrets.memory.free();
    }
  }

  #open(event: ProtegoEvent, sealed: Uint8Array, scope: OpeningScope): OpenedEvent {
    if (sealed.length === 0) return { event, pseudonyms: new Map(), erased: [] };
    return applyOpened(event, this.openFields(sealed, scope), scope);
  }

  /** In guarded memory that the next call uses again; the caller wipes it. */
  #recordKeyOf({ salt }: SealedPart, slot: SealedSlot): Buffer | undefined {
    const owners = this.#ownersOf(slot);
    return owners === undefined ? undefined : guardedRecordKeyOf(salt, slot.slot, owners);
  }

  /** Keys of a slot; undefined when one of them is gone. */
  #ownersOf({ keyIds }: SealedSlot): KeyOwner[] | undefined {
    const owners: KeyOwner[] = [];
    for (const keyId of keyIds) {
      let owner = this.#ring.byKeyId(keyId);
      if (owner === undefined && this.#mode === 'read' && !this.#ring.isDestroyed(keyId)) {
        this.#store.refresh();
        owner = this.#ring.byKeyId(keyId);
      }
      if (owner === undefined) return undefined;
      owners.push(owner);
    }
    return owners;
  }

  /** A reader looks now and then for what the writer has destroyed. */
  #follow(): void {
    this.#requireUnlocked();
    if (this.#mode !== 'read') return;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#refreshedAtMs < REFRESH_MS) return;
    this.#refreshedAtMs = nowMs;
    this.#store.refresh();
  }

  #requireUnlocked(): void {
    if (!this.#secrets.isLocked) return;
    const message = 'the memory of the vault was altered and all keys are wiped: look for the cause, then start again';
    throw new ProtegoError('ENCLAVE_LOCKED', message);
  }
}

/** Keys of a vault, side by side in guarded memory. */
interface VaultSecrets {
  readonly memory: GuardedBytes;
  /** Of the slots in the file. */
  readonly vaultKey: Buffer;
  readonly tokenKey: Buffer;
  /** Of the content hashes. */
  readonly contentKey: Buffer;
  /** Whether the memory of the keys was found altered; then all of these are wiped, too. */
  isLocked: boolean;
}

function vaultSecretsOf({ root, pseudonymKey }: FileVaultOptions): VaultSecrets {
  const memory = GuardedBytes.allocate(3 * KEY_BYTES);
  const [vaultKey, tokenKey, contentKey] = [0, 1, 2].map((i) =>
    memory.bytes.subarray(i * KEY_BYTES, (i + 1) * KEY_BYTES),
  ) as [Buffer, Buffer, Buffer];
  deriveKeyInto(vaultKey, root, VAULT_KEY_PURPOSE);
  deriveKeyInto(contentKey, root, 'content-hash/1');
  if (pseudonymKey === undefined) deriveKeyInto(tokenKey, root, 'pseudonym/1');
  else tokenKey.set(pseudonymKey);
  return { memory, vaultKey, tokenKey, contentKey, isLocked: false };
}

async function openStore(options: FileVaultOptions, vaultKey: Buffer, ring: KeyRing): Promise<VaultStore> {
  const { directory, mode, limits } = options;
  if (mode !== 'write')
    return VaultStore.openForReading(options.disk ?? openVaultForReading(directory), vaultKey, ring);
  const disk = options.disk ?? (await openVaultForWriting(directory));
  try {
    const store = await VaultStore.openForWriting(disk, vaultKey, ring, limits);
    if (store.compaction === 'failed')
      process.stderr.write(`vault: dead slots could not be freed, all is kept: ${messageOf(store.compactionError)}\n`);
    return store;
  } catch (error) {
    await disk.close();
    throw error;
  }
}
