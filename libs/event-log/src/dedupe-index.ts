import { hash } from 'node:crypto';
import { ProtegoError } from '@protego/contracts';

/** Whether an event is new, was seen with the same content, or was seen with another. */
export type DedupeVerdict = 'new' | 'duplicate' | 'conflict';

/** How much the index remembers. */
export interface DedupeIndexOptions {
  /** Secret of the log (32 bytes): without it nobody can craft ids whose hashes collide. */
  readonly dedupeKey: Buffer;
  /** How far back in pipeline time ids are remembered, milliseconds; default 30 days. */
  readonly horizonMs?: number;
  /** Most ids remembered; default 20,000,000, which take about 700 MB. */
  readonly entriesMax?: number;
}

const DAY_MS = 86_400_000;
/** An entry is five words: key (high, low), content (high, low), generation; generation 0 marks a free slot. */
const WORDS = 5;
const GENERATION = 4;
/** Generation of an entry that was taken back: older than every real one, and not free. */
const FORGOTTEN = 1;
const SLOTS_MIN = 1024;
const LOAD_MAX = 0.7;
/** A rebuilt table takes this much more than the live entries before the next rebuild: rebuilds stay rare and memory close. */
const REBUILD_SLACK = 1.15;

interface Generation {
  readonly number: number;
  /** Days since the Unix epoch. */
  readonly day: number;
  entries: number;
}

/**
 * Tells repeated events by a keyed 64-bit hash of (source, id), and altered ones by a 64-bit hash of their content. Ids are
 * kept by day of arrival, the newest arrival seen so far deciding the day, so that an import of old events is remembered
 * too. Days that ended before the horizon are dropped; so is the oldest day when the index is full. Both are counted.
 */
export class DedupeIndex {
  private readonly horizonMs: number;
  private readonly entriesMax: number;
  private readonly hasher: KeyedHasher;
  private slots = new Uint32Array(SLOTS_MIN * WORDS);
  /** Occupied slots, those of dropped days included until the next rebuild. */
  private used = 0;
  private live = 0;
  private evicted = 0;
  private newestArrivalMs = -Infinity;
  /** Days that hold entries, oldest first; generation numbers count up. */
  private readonly generations: Generation[] = [];
  private newestGeneration = FORGOTTEN;
  private keyHigh = 0;
  private keyLow = 0;

  /** @throws ProtegoError `CONFIG_INVALID` when a limit is not positive or the key is not 32 bytes */
  constructor(options: DedupeIndexOptions) {
    const { dedupeKey, horizonMs = 30 * DAY_MS, entriesMax = 20_000_000 } = options;
    if (dedupeKey.length !== 32 || !(horizonMs > 0) || !(entriesMax >= 1)) {
      throw new ProtegoError('CONFIG_INVALID', 'the dedupe index needs a key of 32 bytes and positive limits');
    }
    this.horizonMs = horizonMs;
    this.entriesMax = entriesMax;
    this.hasher = new KeyedHasher(dedupeKey);
  }

  /** Number of ids remembered. */
  get size(): number {
    return this.live;
  }

  /** Number of ids dropped since the start, by age or for room. */
  get evictedCount(): number {
    return this.evicted;
  }

  /** What an event is, without remembering it. `body` is its canonical form. */
  check(source: string, id: string, body: Buffer): DedupeVerdict {
    const at = this.find(source, id);
    if (!this.isLive(at)) return 'new';
    this.hasher.hashContent(body);
    return this.slots[at + 2] === this.hasher.high && this.slots[at + 3] === this.hasher.low ? 'duplicate' : 'conflict';
  }

  /**
   * What an event is; a new one is remembered. Pipeline time moves on with `arrivedAtMs`. A conflicting event leaves the
   * first content in place.
   *
   * @throws ProtegoError `LOG_RECORD_INVALID` when `arrivedAtMs` is not finite
   */
  admit(source: string, id: string, body: Buffer, arrivedAtMs: number): DedupeVerdict {
    this.advance(arrivedAtMs);
    const verdict = this.check(source, id, body);
    if (verdict === 'new') this.insert(source, id, body);
    return verdict;
  }

  /** Remembers an event that is in the log already, as when the index is rebuilt. */
  add(source: string, id: string, body: Buffer, arrivedAtMs: number): void {
    this.admit(source, id, body, arrivedAtMs);
  }

  /** Takes back an event that was admitted and then not appended, so that it is new when it is sent again. */
  forget(source: string, id: string): void {
    const at = this.find(source, id);
    if (!this.isLive(at)) return;
    const generation = this.generations.find(({ number }) => number === this.slots[at + GENERATION]);
    if (generation !== undefined) generation.entries--;
    this.slots[at + GENERATION] = FORGOTTEN;
    this.live--;
  }

  private advance(arrivedAtMs: number): void {
    if (!Number.isFinite(arrivedAtMs))
      throw new ProtegoError('LOG_RECORD_INVALID', 'the time of arrival is not finite');
    if (!(arrivedAtMs > this.newestArrivalMs)) return;
    this.newestArrivalMs = arrivedAtMs;
    const day = Math.floor(arrivedAtMs / DAY_MS);
    if (day === this.generations.at(-1)?.day) return;
    this.generations.push({ number: ++this.newestGeneration, day, entries: 0 });
    const oldestMs = arrivedAtMs - this.horizonMs;
    while (this.generations.length > 1 && ((this.generations[0]?.day ?? 0) + 1) * DAY_MS <= oldestMs) this.dropOldest();
  }

  private dropOldest(): void {
    const dropped = this.generations.shift();
    this.live -= dropped?.entries ?? 0;
    this.evicted += dropped?.entries ?? 0;
  }

  private insert(source: string, id: string, body: Buffer): void {
    if (this.live >= this.entriesMax) this.makeRoom();
    if ((this.used + 1) * WORDS > this.slots.length * LOAD_MAX) this.rebuild();
    const at = this.find(source, id);
    const generation = this.currentGeneration();
    if (this.slots[at + GENERATION] === 0) this.used++;
    this.hasher.hashContent(body);
    this.put(at, this.keyHigh, this.keyLow, this.hasher.high, this.hasher.low, generation.number);
    generation.entries++;
    this.live++;
  }

  private currentGeneration(): Generation {
    const generation = this.generations.at(-1);
    if (generation === undefined) throw new ProtegoError('INTERNAL', 'the dedupe index has no day');
    return generation;
  }

  /** Drops the oldest day. The current one, when it is all there is, starts over under a new number. */
  private makeRoom(): void {
    const { day } = this.currentGeneration();
    this.dropOldest();
    if (this.generations.length === 0) this.generations.push({ number: ++this.newestGeneration, day, entries: 0 });
  }

  /** Word offset of the slot of (source, id): its entry, a dropped one of the same key, or a free slot. */
  private find(source: string, id: string): number {
    this.hasher.hashId(source, id);
    this.keyHigh = this.hasher.high;
    this.keyLow = this.hasher.low;
    return this.probe(this.slots, this.keyHigh, this.keyLow);
  }

  private probe(slots: Uint32Array, high: number, low: number): number {
    const mask = slots.length / WORDS - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const at = slot * WORDS;
      if (slots[at + GENERATION] === 0 || (slots[at] === high && slots[at + 1] === low)) return at;
    }
  }

  private isLive(at: number): boolean {
    const oldest = this.generations[0]?.number ?? Infinity;
    return (this.slots[at + GENERATION] ?? 0) >= oldest;
  }

  /** Copies the live entries into a table of fitting size; what was dropped falls out here. */
  private rebuild(): void {
    const old = this.slots;
    let slotCount = SLOTS_MIN;
    while ((this.live + 1) * REBUILD_SLACK > slotCount * LOAD_MAX) slotCount *= 2;
    const slots = new Uint32Array(slotCount * WORDS);
    const oldest = this.generations[0]?.number ?? Infinity;
    for (let from = 0; from < old.length; from += WORDS) {
      if ((old[from + GENERATION] ?? 0) < oldest) continue;
      const at = this.probe(slots, old[from] ?? 0, old[from + 1] ?? 0);
      for (let word = 0; word < WORDS; word++) slots[at + word] = old[from + word] ?? 0;
    }
    this.slots = slots;
    this.used = this.live;
  }

  private put(at: number, ...words: readonly [number, number, number, number, number]): void {
    for (let word = 0; word < WORDS; word++) this.slots[at + word] = words[word] ?? 0;
  }
}

/** First 64 bits of SHA-256(key || text), left in `high` and `low` so that no object is made per event. */
class KeyedHasher {
  high = 0;
  low = 0;
  private scratch: Buffer;

  constructor(private readonly key: Buffer) {
    this.scratch = this.withKey(4096);
  }

  /** A source is a name token and so holds no NUL: the separator makes (source, id) unambiguous. */
  hashId(source: string, id: string): void {
    const text = `${source}\0${id}`;
    this.reserve(text.length * 3);
    this.take(this.key.length + this.scratch.write(text, this.key.length, 'utf8'));
  }

  hashContent(body: Buffer): void {
    this.reserve(body.length);
    this.take(this.key.length + body.copy(this.scratch, this.key.length));
  }

  private take(bytes: number): void {
    const digest = hash('sha256', this.scratch.subarray(0, bytes), 'binary');
    this.high = wordAt(digest, 0);
    this.low = wordAt(digest, 4);
  }

  private reserve(bytes: number): void {
    if (this.key.length + bytes > this.scratch.length) this.scratch = this.withKey((this.key.length + bytes) * 2);
  }

  private withKey(bytes: number): Buffer {
    const scratch = Buffer.alloc(bytes);
    this.key.copy(scratch);
    return scratch;
  }
}

function wordAt(digest: string, at: number): number {
  let word = 0;
  for (let i = 0; i < 4; i++) word = (word << 8) | digest.charCodeAt(at + i);
  return word >>> 0;
}
