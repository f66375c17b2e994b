import { DedupeFilter } from './dedupe-filter';
import { IDENTITY_WORDS, type SegmentIdentities } from './dedupe-segments';
import type { RecordIdentity } from '../log-record';

/** Whether an event is new, was seen with the same content, or was seen with another. */
export type DedupeVerdict = 'new' | 'duplicate' | 'conflict';

const FILTERS_MAX = 4;
/** A filter with more keys than this per byte gives way to the next one, as long as there may be a next one. */
const KEYS_PER_BYTE = 0.5;

/** Consecutive segments and the filter that knows their ids. */
interface FilteredSegments {
  readonly filter: DedupeFilter;
  /** In order of seq. */
  readonly segments: SegmentIdentities[];
}

/**
 * Ids of finished segments: on the disk, behind filters in memory. A filter cannot forget, so there are up to four, each
 * over the segments of a part of the horizon: it goes as a whole once all of them have gone.
 */
export class DedupeDisk {
  /** Oldest first. */
  private readonly filtered: FilteredSegments[] = [];
  private readonly cache: BucketCache;
  /** Where the last known id was found: what is sent again is sent in order. */
  private lastHit: SegmentIdentities | undefined;
  private idCount = 0;
  private missed = 0;

  constructor(
    private readonly limits: {
      readonly horizonMs: number;
      readonly filterBytesMax: number;
      readonly cacheBytesMax: number;
    },
  ) {
    this.cache = new BucketCache(limits.cacheBytesMax);
  }

  /** Number of ids. */
  get size(): number {
    return this.idCount;
  }

  /** Number of new ids that passed a filter and were looked for in vain. */
  get falsePositives(): number {
    return this.missed;
  }

  /** Number of segments. */
  get segmentCount(): number {
    return this.filtered.reduce((sum, { segments }) => sum + segments.length, 0);
  }

  /** Keys in the filters, those of dropped segments included, for each byte of them. */
  get filterLoad(): number {
    const bytes = this.filtered.reduce((sum, { filter }) => sum + filter.bytes, 0);
    return bytes === 0 ? 0 : this.filtered.reduce((sum, { filter }) => sum + filter.size, 0) / bytes;
  }

  /**
   * What an event is as far as the finished segments tell whose newest arrival is not before `oldestMs`.
   *
   * @throws ProtegoError `LOG_BLOCK_CORRUPT` when the ids on the disk were altered
   */
  check(identity: RecordIdentity, oldestMs: number): DedupeVerdict {
    for (let i = this.filtered.length - 1; i >= 0; i--) {
      const { filter, segments } = this.filtered[i] as FilteredSegments;
      if (!filter.mightHold(identity.idHigh, identity.idLow)) continue;
      const verdict = this.lookUp(segments, identity, oldestMs);
      if (verdict !== 'new') return verdict;
      this.missed++;
    }
    return 'new';
  }

  /** True when the segment was added, and not dropped since. */
  has(firstSeq: number): boolean {
    return this.filtered.some(({ segments }) => segments.some((segment) => segment.firstSeq === firstSeq));
  }

  /** Adds a segment; returns the filter that its ids are to be put into. */
  add(segment: SegmentIdentities): DedupeFilter {
    const home = this.homeFor(segment);
    home.segments.push(segment);
    this.idCount += segment.count;
    return home.filter;
  }

  /** Drops segments; returns the number of their ids. */
  drop(isDropped: (segment: SegmentIdentities) => boolean): number {
    let ids = 0;
    for (const { segments } of this.filtered) {
      for (let i = segments.length - 1; i >= 0; i--) {
        const segment = segments[i] as SegmentIdentities;
        if (!isDropped(segment)) continue;
        segments.splice(i, 1);
        ids += segment.count;
        if (this.lastHit === segment) this.lastHit = undefined;
      }
    }
    this.idCount -= ids;
    // The newest filter stays: it still takes segments.
    while (this.filtered.length > 1 && this.filtered[0]?.segments.length === 0) this.filtered.shift();
    return ids;
  }

  /** Drops the segments whose newest arrival is before `oldestMs`; returns the number of their ids. */
  dropOld(oldestMs: number): number {
    const isOld = (segment: SegmentIdentities): boolean => segment.arrivedAtMsMax < oldestMs;
    // Arrivals grow with the seq, but for imports of old events, which may stay until they are the oldest.
    const oldest = this.filtered[0]?.segments[0];
    return oldest !== undefined && isOld(oldest) ? this.drop(isOld) : 0;
  }

  private homeFor(segment: SegmentIdentities): FilteredSegments {
    const newest = this.filtered.at(-1);
    if (newest !== undefined && (this.filtered.length >= FILTERS_MAX || this.hasRoom(newest, segment))) return newest;
    const fresh = { filter: new DedupeFilter(this.limits.filterBytesMax / FILTERS_MAX), segments: [] };
    this.filtered.push(fresh);
    return fresh;
  }

  private hasRoom({ filter, segments }: FilteredSegments, segment: SegmentIdentities): boolean {
    const first = segments[0];
    if (first === undefined) return filter.size === 0;
    if (segment.arrivedAtMsMax - first.arrivedAtMsMax > this.limits.horizonMs / 2) return false;
    return filter.size + segment.count <= filter.bytes * KEYS_PER_BYTE;
  }

  private lookUp(segments: readonly SegmentIdentities[], identity: RecordIdentity, oldestMs: number): DedupeVerdict {
    const { lastHit } = this;
    if (lastHit !== undefined && segments.includes(lastHit)) {
      const verdict = this.lookIn(lastHit, identity, oldestMs);
      if (verdict !== 'new') return verdict;
    }
    for (let i = segments.length - 1; i >= 0; i--) {
      const segment = segments[i] as SegmentIdentities;
      if (segment === lastHit) continue;
      const verdict = this.lookIn(segment, identity, oldestMs);
      if (verdict !== 'new') return verdict;
    }
    return 'new';
  }

  private lookIn(segment: SegmentIdentities, identity: RecordIdentity, oldestMs: number): DedupeVerdict {
    if (segment.arrivedAtMsMax < oldestMs) return 'new';
    const words = this.cache.get(segment, identity.idHigh >>> 24);
    for (let at = 0; at < words.length; at += IDENTITY_WORDS) {
      if (words[at] !== identity.idHigh || words[at + 1] !== identity.idLow) continue;
      this.lastHit = segment;
      const isSame = words[at + 2] === identity.contentHigh && words[at + 3] === identity.contentLow;
      return isSame ? 'duplicate' : 'conflict';
    }
    return 'new';
  }
}

/** Buckets that were looked into lately, in the clear. */
class BucketCache {
  private readonly buckets = new Map<string, Uint32Array>();
  private bytes = 0;

  constructor(private readonly bytesMax: number) {}

  get(segment: SegmentIdentities, bucket: number): Uint32Array {
    const key = `${segment.firstSeq}/${bucket}`;
    const known = this.buckets.get(key);
    const words = known ?? segment.readBucket(bucket);
    if (known === undefined) this.bytes += words.byteLength;
    // A Map keeps the order of insertion: what is put in again becomes the newest.
    else this.buckets.delete(key);
    this.buckets.set(key, words);
    this.trim();
    return words;
  }

  private trim(): void {
    for (const [key, words] of this.buckets) {
      if (this.bytes <= this.bytesMax) return;
      this.buckets.delete(key);
      this.bytes -= words.byteLength;
    }
  }
}
