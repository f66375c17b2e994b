import { ProtegoError } from '@protego/contracts';
import type { LogKeys } from '@protego/enclave';
import { DedupeDisk, type DedupeVerdict } from './dedupe-disk';
import type { DedupeFilter } from './dedupe-filter';
import { DedupeHasher } from './dedupe-hasher';
import { IDENTITY_WORDS, SegmentIdentitiesReader, type SegmentIdentities } from './dedupe-segments';
import { DedupeTable } from './dedupe-table';
import type { RecordIdentity } from '../log-record';
import { ID_BUCKETS } from '../segments/segment-footer';

/** Where the index finds what is known, and how much it remembers. */
export interface DedupeIndexOptions {
  /** Directory of the log. Open its writer first: that mends what a crash left. */
  readonly directory: string;
  readonly keys: LogKeys;
  /** How far back in pipeline time ids are remembered, milliseconds; default 30 days; `Infinity` for all of the log. */
  readonly horizonMs?: number;
  /** Most bytes of the filters, a power of two of at least 4,096; default 64 MiB. */
  readonly filterBytesMax?: number;
  /** Most bytes of identities that are kept in the clear after they were looked up; default 32 MiB. */
  readonly cacheBytesMax?: number;
  /** Most ids of records that are in no finished segment; default 1,048,576, four times what a segment can hold. */
  readonly openIdsMax?: number;
}

/** What the index holds. */
export interface DedupeStat {
  /** Ids remembered. */
  readonly ids: number;
  /** Ids in memory: those of the segment that grows, and of records that are on their way to it. */
  readonly openIds: number;
  /** Finished segments whose ids are remembered. */
  readonly segments: number;
  /** Keys for each byte of the filters: the more there are above 0.5, the more new ids are looked for on the disk. */
  readonly filterLoad: number;
  /** Ids that were looked for on the disk although they were new. */
  readonly falsePositives: number;
}

const DAY_MS = 86_400_000;
const FILTER_BYTES_MIN = 4096;
/** Buckets that are worked through before other work gets its turn. */
const BUCKETS_A_TURN = 16;

/**
 * Tells repeated events by a keyed 64-bit hash of (source, id), and altered ones by a 64-bit hash of their content. The
 * ids of finished segments stay on the disk, in the segments' footers; filters in memory tell that most new ids are not
 * among them. Ids of a segment whose newest arrival lies before the horizon are dropped with it, and counted.
 */
export class DedupeIndex {
  private readonly hasher: DedupeHasher;
  private readonly reader: SegmentIdentitiesReader;
  private readonly table = new DedupeTable();
  private readonly disk: DedupeDisk;
  private readonly horizonMs: number;
  private readonly openIdsMax: number;
  private newestArrivalMs = -Infinity;
  private evicted = 0;
  private settling: Promise<void> = Promise.resolve();

  private constructor(options: DedupeIndexOptions) {
    const {
      horizonMs = 30 * DAY_MS,
      filterBytesMax = 1 << 26,
      cacheBytesMax = 1 << 25,
      openIdsMax = 1 << 20,
    } = options;
    if (!(horizonMs > 0) || !(openIdsMax >= 1) || !(cacheBytesMax >= 0) || !(filterBytesMax >= FILTER_BYTES_MIN)) {
      throw new ProtegoError('CONFIG_INVALID', 'the dedupe index needs positive limits and 4,096 bytes of filter');
    }
    this.hasher = new DedupeHasher(options.keys.dedupeKey);
    this.reader = new SegmentIdentitiesReader(options.directory, options.keys);
    this.disk = new DedupeDisk({ horizonMs, filterBytesMax, cacheBytesMax });
    this.horizonMs = horizonMs;
    this.openIdsMax = openIdsMax;
  }

  /**
   * Opens the index of a log: reads the ids of its finished segments and of the one that grows.
   *
   * @throws ProtegoError `CONFIG_INVALID` when a limit makes no sense; `LOG_NOT_FOUND`; `LOG_BLOCK_CORRUPT` when ids
   *   were altered; `LOG_KEY_MISSING`
   */
  static async open(options: DedupeIndexOptions): Promise<DedupeIndex> {
    const index = new DedupeIndex(options);
    const { finished, open } = index.reader.readAll();
    for (const { arrivedAtMsMax } of [...finished, open]) index.moveOn(arrivedAtMsMax);
    for (const segment of finished) await index.take(segment);
    for (const identity of open.identities) index.remember(identity);
    return index;
  }

  /** Number of ids remembered. */
  get size(): number {
    return this.table.size + this.disk.size;
  }

  /** Number of ids dropped since the start, by age or for room. */
  get evictedCount(): number {
    return this.evicted;
  }

  /** What the index holds, for metrics. */
  stat(): DedupeStat {
    return {
      ids: this.size,
      openIds: this.table.size,
      segments: this.disk.segmentCount,
      filterLoad: this.disk.filterLoad,
      falsePositives: this.disk.falsePositives,
    };
  }

  /**
   * Hashes by which an event is known, to be checked here and stored with its record.
   *
   * @param contentHash keyed hash of the event's content, 8 bytes: equal for equal content
   * @throws ProtegoError `LOG_RECORD_INVALID` when `contentHash` is not 8 bytes
   */
  identityOf(source: string, id: string, contentHash: Buffer): RecordIdentity {
    return this.hasher.identityOf(source, id, contentHash);
  }

  /** The same for an event that is stored as it is: `body` is its canonical form. */
  identityOfBody(source: string, id: string, body: Buffer): RecordIdentity {
    return this.hasher.identityOf(source, id, this.hasher.contentHashOf(body));
  }

  /**
   * What an event is, without remembering it. Segments too old for `arrivedAtMs` (default: the newest arrival so far)
   * are not asked.
   *
   * @throws ProtegoError `LOG_BLOCK_CORRUPT` when ids on the disk were altered
   */
  check(identity: RecordIdentity, arrivedAtMs = this.newestArrivalMs): DedupeVerdict {
    const known = this.table.find(identity);
    if (known !== 'absent') return known === 'same' ? 'duplicate' : 'conflict';
    return this.disk.check(identity, Math.max(arrivedAtMs, this.newestArrivalMs) - this.horizonMs);
  }

  /**
   * Remembers a new event; one that is known keeps its first content. Pipeline time moves on with `arrivedAtMs`.
   *
   * @throws ProtegoError `LOG_RECORD_INVALID` when `arrivedAtMs` is not finite
   */
  add(identity: RecordIdentity, arrivedAtMs: number): void {
    if (!Number.isFinite(arrivedAtMs)) {
      throw new ProtegoError('LOG_RECORD_INVALID', 'the time of arrival is not finite');
    }
    if (arrivedAtMs > this.newestArrivalMs) {
      this.moveOn(arrivedAtMs);
      this.evicted += this.disk.dropOld(arrivedAtMs - this.horizonMs);
    }
    this.remember(identity);
  }

  /**
   * What an event is; a new one is remembered.
   *
   * @throws ProtegoError as {@link DedupeIndex.check} and {@link DedupeIndex.add}
   */
  admit(identity: RecordIdentity, arrivedAtMs: number): DedupeVerdict {
    const verdict = this.check(identity, arrivedAtMs);
    if (verdict === 'new') this.add(identity, arrivedAtMs);
    return verdict;
  }

  /** Takes back an event that was added and then not appended, so that it is new when it is sent again. */
  forget(identity: RecordIdentity): void {
    this.table.remove(identity.idHigh, identity.idLow);
  }

  /**
   * To be called when a segment has got its footer: its ids are found on the disk from now on and leave the memory, a few
   * at a time.
   *
   * @throws ProtegoError `LOG_BLOCK_CORRUPT` when the footer cannot be read; ids that were not met yet stay in memory then
   */
  segmentFinished(firstSeq: number): Promise<void> {
    const taken = this.settling.then(async () => {
      // Finished while the index was being opened, it was met there.
      if (!this.disk.has(firstSeq)) await this.take(this.reader.open(firstSeq));
      this.table.shrink();
    });
    this.settling = taken.catch(() => undefined);
    return taken;
  }

  /** To be called when a finished segment has been deleted. */
  segmentRemoved(firstSeq: number): void {
    this.evicted += this.disk.drop((segment) => segment.firstSeq === firstSeq);
  }

  private moveOn(arrivedAtMs: number): void {
    if (arrivedAtMs > this.newestArrivalMs) this.newestArrivalMs = arrivedAtMs;
  }

  private remember(identity: RecordIdentity): void {
    if (this.table.size >= this.openIdsMax) {
      this.evicted += this.table.size;
      this.table.clear();
    }
    this.table.add(identity);
  }

  /** Puts the ids of a finished segment into a filter, and out of the table. */
  private async take(segment: SegmentIdentities): Promise<void> {
    const isTooOld = segment.arrivedAtMsMax < this.newestArrivalMs - this.horizonMs;
    const filter = isTooOld ? undefined : this.disk.add(segment);
    if (isTooOld) this.evicted += segment.count;
    for (let bucket = 0; bucket < ID_BUCKETS; bucket += BUCKETS_A_TURN) {
      if (isTooOld && this.table.size === 0) return;
      for (const words of segment.readBuckets(bucket, bucket + BUCKETS_A_TURN)) this.takeBucket(words, filter);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  private takeBucket(words: Uint32Array, filter: DedupeFilter | undefined): void {
    // Filter first, table second: at no moment is an id in neither.
    filter?.addBucket(words, IDENTITY_WORDS);
    for (let at = 0; this.table.size > 0 && at < words.length; at += IDENTITY_WORDS) {
      this.table.remove(words[at] as number, words[at + 1] as number);
    }
  }
}
