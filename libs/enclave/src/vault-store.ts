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
import { VaultIntent, formatVaultIntent } from './vault-intent';
import { tellOf, type VaultListener } from './vault-listener';
import {
  SLOTS_PER_MARK,
  anchorAt,
  formatVaultMark,
  parseVaultMark,
  stateOnDisk,
  type VaultAnchor,
  type VaultState,
} from './vault-mark';
import {
  VAULT_SLOTS_MAX,
  VAULT_SLOT_BYTES,
  decodeVaultSlot,
  encodeDestroyedSlot,
  encodeVaultSlot,
  type DecodedVaultSlot,
  type NewVaultSlot,
} from './vault-slot';

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

/** Who takes note of slots while a vault is read. */
interface SlotNoter {
  note(decoded: DecodedVaultSlot, number: number): void;
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
  /** What the file is known by; undefined before its first slot is durable. */
  #anchor: VaultAnchor | undefined;
  /** Slots that `vault.mark` speaks of; undefined where there is none. */
  #slotsInMark: number | undefined;
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
   * @throws ProtegoError `LOG_KEYS_DAMAGED` when a slot that was durable cannot be read, or when the file is not the one that was in
   *   use, or less of it; the errors of the disk
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

  /**
   * Makes all added slots durable. What fails is tried again by the next call.
   *
   * @throws ProtegoError `LOG_WRITE_FAILED` also when another file has taken the vault's place; the errors of the disk
   */
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
      await this.#carryOut(doomed);
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
      if (this.#slotCount === 0 || this.#markedSlots < this.#slotCount) {
        // So that the mark finds all that is before it durable.
        await this.#writePending();
        const slot = newMark();
        const number = this.#enqueue(slot);
        await this.#writePending();
        this.#markedSlots = this.#slotCount;
        this.#anchor ??= { slot: number, keyId: slot.keyId };
      }
      await this.#markFile();
    });
  }

  /** Says beside the vault how far it goes by now, and which other file may take its place. */
  async #markFile(next?: VaultState): Promise<void> {
    const slots = this.#durableSlots;
    if (this.#anchor === undefined || (next === undefined && this.#slotsInMark === slots)) return;
    this.#requireInPlace();
    const states = [{ slots, anchor: this.#anchor }, ...(next === undefined ? [] : [next])];
    // What failed may be on the disk nevertheless.
    this.#slotsInMark = undefined;
    await this.disk.writeMark(formatVaultMark(states, this.vaultKey));
    if (next === undefined) this.#slotsInMark = slots;
  }

  /** The lock of the key directory holds within one network namespace: a writer in another one may have compacted the vault. */
  #requireInPlace(): void {
    if (!this.disk.isReplaced()) return;
    const message =
      'another file is in the place of `vault`, or none, since it was opened: is there a second writer, in another network namespace? ' +
      'What was added since is not durable: end one of them, and start again';
    throw new ProtegoError('LOG_WRITE_FAILED', message);
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
    this.#requireInPlace();
    this.#pending.splice(0, batch.length);
    this.#durableSlots = first.number + batch.length;
    if (this.#durableSlots - (this.#slotsInMark ?? 0) >= SLOTS_PER_MARK) await this.#markFile();
  }

  async #carryOut(slots: ReadonlyMap<Buffer, readonly number[]>): Promise<void> {
    this.#requireInPlace();
    const anchor = this.#anchor ?? anchorAt(0, this.disk);
    await this.disk.writeIntent(formatVaultIntent(slots, anchor, this.vaultKey));
    await this.#overwrite(slots);
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
    const isMarked = this.#readMark();
    // Before anything is durable of it: else what was torn of the first slot could not be told from a vault of somebody else.
    if (!isMarked && count === 0) await this.disk.writeMark(formatVaultMark([], this.vaultKey));
    if (!isMarked && count > 0) this.#anchor = anchorAt(0, this.disk);
    const intent = this.#intent(isMarked);
    const census = new SlotCensus();
    const invalid = this.#load(0, count, intent === undefined ? [census] : [census, intent]);
    const torn = invalid.filter((number) => intent?.explains(number, this.#anchor) !== true);
    this.#refuseDamage(torn, count, isMarked);
    const intended = intent?.slotsLeft(count) ?? new Map<Buffer, number[]>();
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
    // Written anew: what was torn just now must be told from damage at the next start as well.
    if (intent !== undefined) await this.#carryOut(intended);
    // Only now: where the vault is damaged, its predecessor may be all that is left.
    await this.disk.removeRests();
    if (count > 0 && torn[0] !== 0) this.#anchor ??= anchorAt(0, this.disk);
    await this.#compactIfDue(census.liveSlots());
    if (this.#slotCount === 0 || torn[0] === 0) await this.mark();
    else await this.#markFile();
  }

  /** Whether there is a `vault.mark`; the file must be what it says. */
  #readMark(): boolean {
    const text = this.disk.readMark();
    if (text === undefined) return false;
    const mark = parseVaultMark(text, this.vaultKey);
    const state = stateOnDisk(mark, this.disk);
    this.#anchor = state?.anchor;
    this.#markedSlots = Math.max(this.#markedSlots, state?.slots ?? 0);
    // Of two files, from now on it is one.
    this.#slotsInMark = mark.length === 1 ? state?.slots : undefined;
    return true;
  }

  /** All that was added is durable, and no destruction is under way: there is nothing but the file. */
  async #compactIfDue(live: Uint32Array): Promise<void> {
    if (!isCompactionDue(this.#slotCount, live.length, this.limits.compaction ?? COMPACTION_LIMITS)) return;
    let next: VaultState;
    try {
      next = await writeSuccessor(this.disk, this.vaultKey, live);
      // Until the next start has seen which one is in place, either may be.
      await this.#markFile(next);
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
    this.#anchor = next.anchor;
    this.#readOn();
    this.#durableSlots = this.#slotCount;
    await this.disk.removeRests();
    this.#compaction = 'done';
  }

  #startOver(): void {
    this.#slotCount = 0;
    this.#markedSlots = 0;
    this.#anchor = undefined;
    this.listener.onReplaced();
  }

  #readOn(): void {
    // A reader's; its file was opened before, so that the mark is of that one or of its successor.
    const isMarked = this.#anchor !== undefined || this.#readMark();
    const count = Math.floor(this.disk.size() / VAULT_SLOT_BYTES);
    if (count === this.#slotCount) return;
    const invalid = this.#load(this.#slotCount, count, []);
    const intent = invalid.length === 0 ? undefined : this.#intent(isMarked);
    // Without a mark, the file is the one that lies there, as it is to the writer.
    const anchor = this.#anchor ?? (intent === undefined ? undefined : anchorAt(0, this.disk));
    const torn = invalid.filter((number) => intent?.explains(number, anchor) !== true);
    this.#refuseDamage(torn, count, isMarked);
    // The writer may be at work on what cannot be read yet: it is read again next time.
    this.#slotCount = torn[0] ?? count;
    if (this.#isRereading) this.listener.onReread();
    this.#isRereading = false;
  }

  /** Tells the listener of slots; returns the numbers of those that cannot be read. */
  #load(from: number, to: number, noters: readonly SlotNoter[]): number[] {
    const invalid: number[] = [];
    for (let at = from; at < to; at += SLOTS_PER_READ) {
      const slots = Math.min(SLOTS_PER_READ, to - at);
      const bytes = this.disk.read(at * VAULT_SLOT_BYTES, slots * VAULT_SLOT_BYTES);
      for (let i = 0; i < slots; i++) {
        const slotBytes = bytes.subarray(i * VAULT_SLOT_BYTES, (i + 1) * VAULT_SLOT_BYTES);
        if (slotBytes.length < VAULT_SLOT_BYTES || !this.#tell(slotBytes, at + i, noters)) invalid.push(at + i);
      }
    }
    return invalid;
  }

  #tell(bytes: Buffer, number: number, noters: readonly SlotNoter[]): boolean {
    const durableSlots = decodeVaultSlot(bytes, number, this.vaultKey, (decoded) => {
      for (const noter of noters) noter.note(decoded, number);
      return tellOf(decoded, number, this.listener);
    });
    if (durableSlots === undefined) return false;
    this.#markedSlots = Math.max(this.#markedSlots, durableSlots);
    return true;
  }

  /** @param isOwn whether the file is known to be this vault's also where its first slot cannot be read */
  #refuseDamage(torn: readonly number[], count: number, isOwn: boolean): void {
    const [first] = torn;
    if (first === undefined) return;
    // The first slot was durable before there was a second.
    if (first >= this.#markedSlots && (first > 0 || (isOwn && count === 1))) return;
    const message = `slot \`${first}\` of the vault was altered or damaged: restore \`vault\` from its backup`;
    throw new ProtegoError('LOG_KEYS_DAMAGED', message, { slot: first });
  }

  #intent(isMarked: boolean): VaultIntent | undefined {
    const text = this.disk.readIntent();
    return text && VaultIntent.parse(text, this.vaultKey, isMarked);
  }
}
