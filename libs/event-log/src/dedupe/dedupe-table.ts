import type { RecordIdentity } from '../log-record';

/** An entry is four words, those of the identity; a bit map tells the slots that are taken. */
const WORDS = 4;
const SLOTS_BITS_MIN = 10;
const LOAD_MAX = 0.7;

/**
 * Identities in memory: open addressing, chosen by the upper bits of the hash, so that entries that come and go in the
 * order of those bits touch neighbouring memory. Removing closes the gap, so that no slot is lost.
 */
export class DedupeTable {
  private slotBits = SLOTS_BITS_MIN;
  private words = new Uint32Array(WORDS << SLOTS_BITS_MIN);
  private taken = new Uint8Array(1 << SLOTS_BITS_MIN);
  private held = 0;

  /** Number of identities. */
  get size(): number {
    return this.held;
  }

  /** What is known of an id: nothing, the same content, or another. */
  find(identity: RecordIdentity): 'absent' | 'same' | 'other' {
    const slot = this.slotOf(identity.idHigh, identity.idLow);
    if (this.taken[slot] === 0) return 'absent';
    const at = slot * WORDS;
    const isSame = this.words[at + 2] === identity.contentHigh && this.words[at + 3] === identity.contentLow;
    return isSame ? 'same' : 'other';
  }

  /** Adds an identity unless its id is there already. */
  add(identity: RecordIdentity): void {
    if (this.held + 1 > this.taken.length * LOAD_MAX) this.resize(this.slotBits + 1);
    this.put(identity.idHigh, identity.idLow, identity.contentHigh, identity.contentLow);
  }

  /** Removes an id; an unknown one is left alone. */
  remove(idHigh: number, idLow: number): void {
    const slot = this.slotOf(idHigh, idLow);
    if (this.taken[slot] === 0) return;
    this.held--;
    this.closeGap(slot);
  }

  /** Removes all identities and gives the memory back. */
  clear(): void {
    this.held = 0;
    this.allocate(SLOTS_BITS_MIN);
  }

  /** Gives memory back once most of it is unused. */
  shrink(): void {
    let bits = SLOTS_BITS_MIN;
    while (this.held * 2 > (1 << bits) * LOAD_MAX) bits++;
    if (bits + 1 < this.slotBits) this.resize(bits);
  }

  private put(idHigh: number, idLow: number, contentHigh: number, contentLow: number): void {
    const slot = this.slotOf(idHigh, idLow);
    if (this.taken[slot] !== 0) return;
    const at = slot * WORDS;
    this.taken[slot] = 1;
    this.words[at] = idHigh;
    this.words[at + 1] = idLow;
    this.words[at + 2] = contentHigh;
    this.words[at + 3] = contentLow;
    this.held++;
  }

  /** Slot of an id, or the free one where it belongs. */
  private slotOf(idHigh: number, idLow: number): number {
    const { words, taken } = this;
    const mask = taken.length - 1;
    for (let slot = idHigh >>> (32 - this.slotBits); ; slot = (slot + 1) & mask) {
      if (taken[slot] === 0) return slot;
      if (words[slot * WORDS] === idHigh && words[slot * WORDS + 1] === idLow) return slot;
    }
  }

  /** Moves entries back that were pushed past the freed slot, so that every probe still meets what it looks for. */
  private closeGap(freed: number): void {
    const { words, taken } = this;
    const mask = taken.length - 1;
    let gap = freed;
    for (let slot = (freed + 1) & mask; taken[slot] !== 0; slot = (slot + 1) & mask) {
      const home = (words[slot * WORDS] as number) >>> (32 - this.slotBits);
      // An entry may move back when the gap lies between its home and its place, on the ring.
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      words.copyWithin(gap * WORDS, slot * WORDS, (slot + 1) * WORDS);
      gap = slot;
    }
    taken[gap] = 0;
  }

  private resize(slotBits: number): void {
    const { words, taken } = this;
    this.allocate(slotBits);
    this.held = 0;
    for (let slot = 0; slot < taken.length; slot++) {
      if (taken[slot] === 0) continue;
      const at = slot * WORDS;
      this.put(words[at] as number, words[at + 1] as number, words[at + 2] as number, words[at + 3] as number);
    }
  }

  private allocate(slotBits: number): void {
    this.slotBits = slotBits;
    this.words = new Uint32Array(WORDS << slotBits);
    this.taken = new Uint8Array(1 << slotBits);
  }
}
