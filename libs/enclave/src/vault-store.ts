import { randomBytes } from 'node:crypto';
import { ProtegoError } from '@protego/contracts';
import { KEY_ID_BYTES } from './sealed-part';
import { SlotCensus } from './slot-census';
import {
  COMPACTION_LIMITS,
  isCompactionDue,
  newMark,
  writeSuccessor,
  type CompactionLimits,
  type CompactionState,
} from './vault-compaction';
import { type VaultDisk } from './vault-disk';
import {
  VAULT_SLOTS_MAX,
  VAULT_SLOT_BYTES,
  VAULT_SLOT_KINDS,
  decodeVaultSlot,
  encodeDestroyedSlot,
  encodeVaultSlot,
  type DecodedVaultSlot,
  type LiveVaultSlot,
  type NewVaultSlot,
} from './vault-slot';

/** Who is told of single slots. */
export interface SlotListener {
  /** A slot with a key or name; it may have been told before. Its key is lent until this returns. */
  onLive(slot: LiveVaultSlot, number: number): void;
  /** A key that was destroyed, here or by the writer whose vault this reads. */
  onDestroyed(keyId: Buffer): void;
}

/** What a store tells of the slots that it finds. */
export interface VaultListener extends SlotListener {
  /** Another file has taken the vault's place: the numbers of all slots are void, and are told anew. */
  onReplaced(): void;
  /** All slots of that file were told of: a key that none of them holds was destroyed. */
  onReread(): void;
}

/** Told of each slot that a writer adds, as it may be read by who has the vault's key; it may not be durable yet. */
export type VaultFollower = (bytes: Buffer, number: number) => void;

/** Bounds of a vault. */
export interface VaultLimits {
  readonly slotsMax: number;
  /** Default {@link COMPACTION_LIMITS}. */
  readonly compaction?: CompactionLimits;
}

const SLOTS_PER_READ = 4096;
/** A writer replaces its vault once, when it starts: more often than this nothing but damage is the reason. */
const READS_MAX = 4;

/**
 * Tells a listener of a slot. Returns how many slots it says were durable; undefined when it is not of the vault with this key,
 * or of another place.
 */
export function tellOfSlot(
  bytes: Buffer,
  number: number,
  vaultKey: Buffer,
  listener: SlotListener,
): number | undefined {
  return decodeVaultSlot(bytes, number, vaultKey, (decoded) => tellOf(decoded, number, listener));
}

function tellOf(decoded: DecodedVaultSlot, number: number, listener: SlotListener): number | undefined {
  if (decoded.state === 'invalid') return undefined;
  if (decoded.state === 'destroyed') {
    listener.onDestroyed(decoded.keyId);
    return 0;
  }
  const { slot, durableSlots } = decoded;
  if (slot.kind !== VAULT_SLOT_KINDS.mark) {
    listener.onLive(slot, number);
    return durableSlots;
  }
  // A mark that covers all before it covers itself: it needs no other.
  return durableSlots === number ? number + 1 : durableSlots;
}

/** A slot to be written: a key or name, or the notice that a key was destroyed. */
interface Pending {
  readonly slot: NewVaultSlot | { readonly destroyedKeyId: Buffer };
  readonly number: number;
}

/**
 * The vault's file: slots of fixed size, appended in batches and overwritten in place when their key is destroyed. One
 * writer; readers follow the file as it grows, and the one that takes its place when a writer that opens it leaves out what
 * is dead. After a crash every slot that was durable is there, what was torn at the end is replaced, and a destruction that
 * had begun is carried through.
 */
export class VaultStore {
  /** Slots in the file and those to be written. */
  #slotCount = 0;
  /** Slots that are durable for certain. */
  #durableSlots = 0;
  /** Slots that a slot on the disk says were durable. */
  #markedSlots = 0;
  readonly #pending: Pending[] = [];
  #follower: VaultFollower | undefined;
  /** Slots by key id whose destruction failed; the next one includes them. */
  #undone = new Map<Buffer, readonly number[]>();
  #tail: Promise<void> = Promise.resolve();
  #compaction: CompactionState = 'not due';
  #compactionError: unknown;
  /** A reader's: another file is in place, and not all of it was read. */
  #isRereading = false;

  private constructor(
    private readonly disk: VaultDisk,
    private readonly vaultKey: Buffer,
    private readonly listener: VaultListener,
    private readonly limits: VaultLimits,
  ) {}

  /**
   * Opens a vault for its writer, mending what a crash left, and compacts it when that is due. A compaction that fails leaves
   * the vault as it is ({@link compaction}).
   *
   * @throws ProtegoError `LOG_KEYS_DAMAGED` when a slot that was durable cannot be read; the errors of the disk
   */
  static async openForWriting(
    disk: VaultDisk,
    vaultKey: Buffer,
    listener: VaultListener,
    limits: VaultLimits = { slotsMax: VAULT_SLOTS_MAX },
  ): Promise<VaultStore> {
    const store = new VaultStore(disk, vaultKey, listener, limits);
    await store.#recover();
    return store;
  }

  /**
   * Opens a vault for a reader.
   *
   * @throws ProtegoError `LOG_KEYS_DAMAGED` when a slot that was durable cannot be read
   */
  static openForReading(disk: VaultDisk, vaultKey: Buffer, listener: VaultListener): VaultStore {
    const store = new VaultStore(disk, vaultKey, listener, { slotsMax: VAULT_SLOTS_MAX });
    store.refresh();
    return store;
  }

  /** Number of slots, those not yet durable included. */
  get slotCount(): number {
    return this.#slotCount;
  }

  /** Most slots that there can be. */
  get slotsMax(): number {
    return this.limits.slotsMax;
  }

  /** What became of the compaction at the start. */
  get compaction(): CompactionState {
    return this.#compaction;
  }

  /** Why the vault could not be compacted, if it was due. */
  get compactionError(): unknown {
    return this.#compactionError;
  }

  /** Tells somebody of all slots that are added from now on, notices of destruction included. */
  follow(follower: VaultFollower): void {
    this.#follower = follower;
  }

  /**
   * Reads what the writer has appended since, and the whole vault when the writer has replaced it; a reader's only.
   *
   * @throws ProtegoError `LOG_KEYS_DAMAGED` when a slot that was durable cannot be read
   */
  refresh(): void {
    for (let reads = 1; ; reads++) {
      if (this.disk.isReplaced()) {
        this.disk.reopen();
        this.#isRereading = true;
      }
      if (this.#isRereading) this.#startOver();
      try {
        return this.#readOn();
      } catch (error) {
        // The writer overwrites the old file once the new one is in place.
        if (reads >= READS_MAX || !this.disk.isReplaced()) throw error;
      }
    }
  }

  /**
   * Adds a slot; it is durable after {@link flush}. Returns its number.
   *
   * @throws ProtegoError `VAULT_FULL`
   */
  append(slot: NewVaultSlot): number {
    if (this.#slotCount >= this.limits.slotsMax) {
      const { slotsMax } = this.limits;
      const message = `the vault holds \`${slotsMax}\` slots, which is the most: a restart frees those of destroyed keys once they are a quarter of all`;
      throw new ProtegoError('VAULT_FULL', message, { slotsMax });
    }
    return this.#enqueue(slot);
  }

  /** Makes all added slots durable. What fails is tried again by the next call. */
  flush(): Promise<void> {
    return this.#inTurn(() => this.#writePending());
  }

  /**
   * Overwrites slots, durably: of each, the key id stays. A slot with the key id is appended, by which readers notice. What
   * fails is tried again by the next call, and at the next start.
   *
   * @param slots numbers of the slots of each key id
   */
  destroy(slots: ReadonlyMap<Buffer, readonly number[]>): Promise<void> {
    for (const [keyId, numbers] of slots) this.#undone.set(keyId, numbers);
    return this.#inTurn(async () => {
      if (this.#undone.size === 0) return;
      const doomed = new Map(this.#undone);
      await this.#writePending();
      const intent = [...doomed].map(([keyId, numbers]) => [keyId.toString('hex'), numbers]);
      await this.disk.writeIntent(Buffer.from(JSON.stringify(intent)));
      await this.#overwrite(doomed);
      for (const keyId of doomed.keys()) this.#undone.delete(keyId);
    });
  }

  /** Ends the vault; what was added and not flushed is lost. */
  async close(): Promise<void> {
    await this.#tail.catch(() => undefined);
    await this.disk.close();
  }

  /** Says on the disk that all slots are durable, so that damage to any of them is told from a torn write. */
  mark(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#slotCount > 0 && this.#markedSlots >= this.#slotCount) return;
      // So that the mark finds all that is before it durable.
      await this.#writePending();
      this.#enqueue(newMark());
      await this.#writePending();
      this.#markedSlots = this.#slotCount;
    });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#tail.catch(() => undefined).then(work);
    this.#tail = done;
    // The caller gets the failure; the chain goes on.
    done.catch(() => undefined);
    return done;
  }

  #enqueue(slot: Pending['slot']): number {
    const number = this.#slotCount++;
    this.#pending.push({ slot, number });
    this.#follower?.(this.#encoded({ slot, number }), number);
    return number;
  }

  #encoded({ slot, number }: Pending): Buffer {
    if ('destroyedKeyId' in slot) return encodeDestroyedSlot(slot.destroyedKeyId, number, this.vaultKey);
    return encodeVaultSlot(slot, number, this.#durableSlots, this.vaultKey);
  }

  async #writePending(): Promise<void> {
    if (this.#pending.length === 0) return;
    const batch = [...this.#pending];
    const first = batch[0] as Pending;
    // Numbers are given out in turn, so that what waits is one run.
    const bytes = batch.map((each) => this.#encoded(each));
    await this.disk.write(Buffer.concat(bytes), first.number * VAULT_SLOT_BYTES);
    await this.disk.sync();
    this.#pending.splice(0, batch.length);
    this.#durableSlots = first.number + batch.length;
  }

  async #overwrite(slots: ReadonlyMap<Buffer, readonly number[]>): Promise<void> {
    for (const [keyId, numbers] of slots) {
      for (const number of numbers) {
        await this.disk.write(encodeDestroyedSlot(keyId, number, this.vaultKey), number * VAULT_SLOT_BYTES);
      }
      this.#enqueue({ destroyedKeyId: keyId });
    }
    // Writes the notices, and makes them and what was overwritten durable together.
    await this.#writePending();
    await this.disk.writeIntent(undefined);
  }

  async #recover(): Promise<void> {
    const size = this.disk.size();
    const count = Math.floor(size / VAULT_SLOT_BYTES);
    const intended = this.#intent();
    const doomed = new Set([...intended.values()].flat());
    const census = new SlotCensus();
    const torn = this.#load(0, count, census).filter((number) => !doomed.has(number));
    this.#refuseDamage(torn, count);
    this.#slotCount = count;
    this.#durableSlots = this.#markedSlots;
    // The start before may have ended where it put another file in place.
    await this.disk.syncDirectory();
    if (size !== count * VAULT_SLOT_BYTES) await this.disk.truncate(count * VAULT_SLOT_BYTES);
    for (const number of torn) {
      const nobody = encodeDestroyedSlot(randomBytes(KEY_ID_BYTES), number, this.vaultKey);
      await this.disk.write(nobody, number * VAULT_SLOT_BYTES);
    }
    // What was read may be in the cache of the operating system only.
    await this.disk.sync();
    this.#durableSlots = count;
    for (const keyId of intended.keys()) {
      this.listener.onDestroyed(keyId);
      census.forget(keyId);
    }
    if (intended.size > 0) await this.#overwrite(intended);
    // Only now: where the vault is damaged, its predecessor may be all that is left.
    await this.disk.removeRests();
    await this.#compactIfDue(census.liveSlots());
    if (this.#slotCount === 0 || torn[0] === 0) await this.mark();
  }

  /** All that was added is durable, and no destruction is under way: there is nothing but the file. */
  async #compactIfDue(live: Uint32Array): Promise<void> {
    if (!isCompactionDue(this.#slotCount, live.length, this.limits.compaction ?? COMPACTION_LIMITS)) return;
    try {
      await writeSuccessor(this.disk, this.vaultKey, live);
      await this.disk.keepPredecessor();
      await this.disk.replace();
    } catch (error) {
      this.#compaction = 'failed';
      this.#compactionError = error;
      return this.disk.removeRests();
    }
    // What is added from now on must not be in a file that a crash takes away again.
    await this.disk.syncDirectory();
    this.#isRereading = true;
    this.#startOver();
    this.#readOn();
    this.#durableSlots = this.#slotCount;
    await this.disk.removeRests();
    this.#compaction = 'done';
  }

  #startOver(): void {
    this.#slotCount = 0;
    this.#markedSlots = 0;
    this.listener.onReplaced();
  }

  #readOn(): void {
    const count = Math.floor(this.disk.size() / VAULT_SLOT_BYTES);
    if (count === this.#slotCount) return;
    const invalid = this.#load(this.#slotCount, count);
    const doomed = invalid.length === 0 ? new Set<number>() : new Set(this.#intendedSlots());
    const torn = invalid.filter((number) => !doomed.has(number));
    this.#refuseDamage(torn, count);
    // The writer may be at work on what cannot be read yet: it is read again next time.
    this.#slotCount = torn[0] ?? count;
    if (this.#isRereading) this.listener.onReread();
    this.#isRereading = false;
  }

  /** Tells the listener of slots; returns the numbers of those that cannot be read. */
  #load(from: number, to: number, census?: SlotCensus): number[] {
    const invalid: number[] = [];
    for (let at = from; at < to; at += SLOTS_PER_READ) {
      const slots = Math.min(SLOTS_PER_READ, to - at);
      const bytes = this.disk.read(at * VAULT_SLOT_BYTES, slots * VAULT_SLOT_BYTES);
      for (let i = 0; i < slots; i++) {
        const slotBytes = bytes.subarray(i * VAULT_SLOT_BYTES, (i + 1) * VAULT_SLOT_BYTES);
        if (slotBytes.length < VAULT_SLOT_BYTES || !this.#tell(slotBytes, at + i, census)) invalid.push(at + i);
      }
    }
    return invalid;
  }

  #tell(bytes: Buffer, number: number, census: SlotCensus | undefined): boolean {
    const durableSlots = decodeVaultSlot(bytes, number, this.vaultKey, (decoded) => {
      census?.note(decoded, number);
      return tellOf(decoded, number, this.listener);
    });
    if (durableSlots === undefined) return false;
    this.#markedSlots = Math.max(this.#markedSlots, durableSlots);
    return true;
  }

  #refuseDamage(torn: readonly number[], count: number): void {
    const [first] = torn;
    if (first === undefined) return;
    // The first slot was durable before there was a second: without it, this is no vault of this secret.
    if (first >= this.#markedSlots && (first > 0 || count === 1)) return;
    const message = `slot \`${first}\` of the vault was altered or damaged: restore \`vault\` from its backup`;
    throw new ProtegoError('LOG_KEYS_DAMAGED', message, { slot: first });
  }

  #intendedSlots(): number[] {
    return [...this.#intent().values()].flat();
  }

  #intent(): Map<Buffer, number[]> {
    const text = this.disk.readIntent();
    if (text === undefined) return new Map();
    const intent = JSON.parse(text.toString('utf8')) as [string, number[]][];
    return new Map(intent.map(([keyId, numbers]) => [Buffer.from(keyId, 'hex'), numbers]));
  }
}
