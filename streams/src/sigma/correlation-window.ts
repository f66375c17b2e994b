import { KeyedStore } from '../operators/keyed-store';
import type { Json, StateStore } from '../operators/stream-element';
import type { Measure, MeasuredEntry } from './measure';

/** Reference from a window to an event of the log. */
export type EventRef = readonly [seq: number, source: string, id: string];

/** An event that contributes to a result. */
export interface ContributingEvent {
  readonly timeMs: number;
  readonly ref: EventRef;
}

/** One event in a window, or one firing of a correlation that is counted. */
export interface CorrelationEntry extends MeasuredEntry, ContributingEvent {
  /** For a firing: the latest events that it rests on, without the one that completed it. */
  readonly chained?: readonly ContributingEvent[];
}

/** Bounds of the windows of one correlation; what goes beyond them is evicted and counted. */
export interface CorrelationBounds {
  /** Most groups; the one touched longest ago leaves. */
  readonly keysMax?: number;
  /** Most events of one group; a quarter more where a full window is sifted. */
  readonly entriesMax?: number;
  /** Most events of all groups; the groups touched longest ago leave. */
  readonly allEntriesMax?: number;
  /** From so many groups on those that are over are looked for. */
  readonly siftKeysMin?: number;
}

/** Most groups of one correlation. */
export const CORRELATION_KEYS_MAX = 100_000;
/** Most events of one group. */
export const CORRELATION_ENTRIES_MAX = 10_000;
/** Most events of all groups of one correlation. */
export const CORRELATION_ALL_ENTRIES_MAX = 1_000_000;

const SIFT_KEYS_MIN = 256;

/** Window of one group: events in event-time order, and what is measured of them. */
export interface CorrelationWindow {
  /** Oldest first; entries before `head` have left. */
  entries: CorrelationEntry[];
  head: number;
  readonly measure: Measure;
  /** Event time of the last detection, milliseconds; -Infinity before the first. */
  raisedMs: number;
}

/** How a correlation uses its windows. */
export interface CorrelationWindowOptions extends CorrelationBounds {
  /** An event at t sees the events in `[t − windowMs + 1, t + 1)`: those less than `windowMs` before it. */
  readonly windowMs: number;
  /** How long after a detection of a group others of it are held back; 0 without it. */
  readonly suppressMs?: number;
  readonly newMeasure: () => Measure;
  /** What must not be pushed out by a flood of something else: values, or rules; undefined where every event counts. */
  readonly keptOf?: (entry: CorrelationEntry) => readonly (string | number | null)[];
}

/**
 * Keyed sliding windows over events that come in event-time order. A full window first lets go the events whose value,
 * or rules, came again later, where that changes nothing that is measured; then the oldest leaves.
 */
export class CorrelationWindows implements StateStore {
  readonly #options: CorrelationWindowOptions;
  readonly #windows: KeyedStore<CorrelationWindow>;
  readonly #keysMax: number;
  readonly #entriesMax: number;
  readonly #fullAt: number;
  readonly #allEntriesMax: number;
  readonly #suppressMs: number;
  readonly #siftKeysMin: number;
  #entryCount = 0;
  #evictedKeyCount = 0;
  #evictedEntryCount = 0;
  /** With so many groups those that are over are looked for: part of the state, because it decides who is evicted. */
  #siftAtKeys: number;

  constructor(options: CorrelationWindowOptions) {
    this.#options = options;
    this.#keysMax = options.keysMax ?? CORRELATION_KEYS_MAX;
    this.#entriesMax = options.entriesMax ?? CORRELATION_ENTRIES_MAX;
    // Sifting looks at every event of the window: where it may leave most of them, it must not be done for each that comes.
    this.#fullAt = this.#entriesMax + (options.keptOf === undefined ? 0 : this.#entriesMax >> 2);
    this.#allEntriesMax = options.allEntriesMax ?? CORRELATION_ALL_ENTRIES_MAX;
    this.#suppressMs = options.suppressMs ?? 0;
    this.#siftAtKeys = this.#siftKeysMin = options.siftKeysMin ?? SIFT_KEYS_MIN;
    // The store is kept within bounds here, where it is known how many events leave with a group.
    this.#windows = new KeyedStore(Number.MAX_SAFE_INTEGER, {
      toJson: windowToJson,
      fromJson: (json) => this.#windowFromJson(json),
    });
  }

  /** Groups that are held. */
  get keyCount(): number {
    return this.#windows.size;
  }

  /** Events that are held, those included that no later event will see. */
  get entryCount(): number {
    return this.#entryCount;
  }

  /** Groups that were evicted while they held events, or while another detection of theirs was to be held back. */
  get evictedKeyCount(): number {
    return this.#evictedKeyCount;
  }

  /** Events that left before their time, with their group or because it was full. */
  get evictedEntryCount(): number {
    return this.#evictedEntryCount;
  }

  /** Window of a group as an event at `timeMs` finds it, before it is added. */
  at(key: string, timeMs: number): CorrelationWindow {
    if (this.#windows.size >= this.#siftAtKeys) this.#forgetOver(timeMs);
    const window = this.#windows.touch(key, () => this.#newWindow());
    if (this.#windows.size > this.#keysMax) this.#evictOldest(timeMs);
    this.expire(window, timeMs);
    return window;
  }

  /** Lets go what an event at `timeMs` no longer sees. */
  expire(window: CorrelationWindow, timeMs: number): void {
    const goneMs = timeMs - this.#options.windowMs;
    const { entries } = window;
    while (window.head < entries.length && (entries[window.head] as CorrelationEntry).timeMs <= goneMs)
      this.#dropOldest(window);
    if (window.head <= 64 || window.head * 2 <= entries.length) return;
    window.entries = entries.slice(window.head);
    window.head = 0;
  }

  /** Adds an event to a window that {@link at} returned. */
  add(window: CorrelationWindow, entry: CorrelationEntry): void {
    if (entryCountOf(window) >= this.#fullAt) this.#makeRoom(window);
    window.entries.push(entry);
    window.measure.add(entry);
    this.#entryCount++;
    // The window that was just touched is the last to go, and never goes itself.
    while (this.#entryCount > this.#allEntriesMax && this.#windows.size > 1) this.#evictOldest(entry.timeMs);
  }

  snapshot(): Json {
    return {
      evictedKeyCount: this.#evictedKeyCount,
      evictedEntryCount: this.#evictedEntryCount,
      siftAtKeys: this.#siftAtKeys,
      windows: this.#windows.snapshot(),
    };
  }

  restore(state: Json): void {
    const { evictedKeyCount, evictedEntryCount, siftAtKeys, windows } = state as {
      evictedKeyCount: number;
      evictedEntryCount: number;
      siftAtKeys: number;
      windows: Json;
    };
    this.#evictedKeyCount = evictedKeyCount;
    this.#evictedEntryCount = evictedEntryCount;
    this.#siftAtKeys = siftAtKeys;
    this.#entryCount = 0;
    this.#windows.restore(windows);
  }

  #newWindow(): CorrelationWindow {
    return { entries: [], head: 0, measure: this.#options.newMeasure(), raisedMs: Number.NEGATIVE_INFINITY };
  }

  #dropOldest(window: CorrelationWindow): void {
    window.measure.remove(window.entries[window.head++] as CorrelationEntry);
    this.#entryCount--;
  }

  #makeRoom(window: CorrelationWindow): void {
    const before = entryCountOf(window);
    this.#keepLatest(window);
    const roomFor = this.#fullAt > this.#entriesMax ? this.#entriesMax : this.#entriesMax - 1;
    while (entryCountOf(window) > roomFor) this.#dropOldest(window);
    this.#evictedEntryCount += before - entryCountOf(window);
  }

  // A flood of one value, or of one rule, must not push the others out.
  #keepLatest(window: CorrelationWindow): void {
    const { keptOf } = this.#options;
    if (keptOf === undefined) return;
    const seen = new Set<string | number | null>();
    const kept: CorrelationEntry[] = [];
    for (let at = window.entries.length - 1; at >= window.head; at--) {
      const entry = window.entries[at] as CorrelationEntry;
      const fresh = keptOf(entry).filter((value) => !seen.has(value));
      if (fresh.length > 0) kept.push(entry);
      else window.measure.remove(entry);
      for (const value of fresh) seen.add(value);
    }
    this.#entryCount -= entryCountOf(window) - kept.length;
    window.entries = kept.reverse();
    window.head = 0;
  }

  // Nobody comes back to most groups, such as sessions of the day before. They are looked for when there are twice as many groups as
  // last time, so that it costs each new group the same, however many there are.
  #forgetOver(timeMs: number): void {
    for (const [key, window] of this.#windows.unordered()) {
      this.expire(window, timeMs);
      if (!this.#isHolding(window, timeMs)) this.#windows.delete(key);
    }
    this.#siftAtKeys = Math.max(this.#siftKeysMin, this.#windows.size * 2);
  }

  // A group without events may still know that it was told of: without it the next detection is not held back.
  #isHolding(window: CorrelationWindow, timeMs: number): boolean {
    return entryCountOf(window) > 0 || window.raisedMs + this.#suppressMs > timeMs;
  }

  #evictOldest(timeMs: number): void {
    const oldest = this.#windows.oldest();
    if (oldest === undefined) return;
    const [key, window] = oldest;
    this.expire(window, timeMs);
    const lost = entryCountOf(window);
    if (this.#isHolding(window, timeMs)) this.#evictedKeyCount++;
    this.#evictedEntryCount += lost;
    this.#entryCount -= lost;
    this.#windows.delete(key);
  }

  #windowFromJson(json: Json): CorrelationWindow {
    const [raisedMs, measure, entries] = json as unknown as [number | null, Json, EntryJson[]];
    const window = this.#newWindow();
    window.raisedMs = raisedMs ?? Number.NEGATIVE_INFINITY;
    for (const [timeMs, ref, value, members, chained] of entries) {
      const plain = { timeMs, ref, value, members };
      const entry = chained.length === 0 ? plain : { ...plain, chained: chained.map(contributingOf) };
      window.entries.push(entry);
      window.measure.add(entry);
    }
    window.measure.restore(measure);
    this.#entryCount += entries.length;
    return window;
  }
}

/** How many events a window holds. */
export function entryCountOf(window: CorrelationWindow): number {
  return window.entries.length - window.head;
}

type EntryJson = [number, EventRef, MeasuredEntry['value'], readonly number[], [number, EventRef][]];

const contributingOf = ([timeMs, ref]: [number, EventRef]): ContributingEvent => ({ timeMs, ref });

function windowToJson({ entries, head, measure, raisedMs }: CorrelationWindow): Json {
  return [
    Number.isFinite(raisedMs) ? raisedMs : null,
    measure.snapshot(),
    entries.slice(head).map(({ timeMs, ref, value, members, chained = [] }) => {
      return [timeMs, ref, value, members, chained.map((event) => [event.timeMs, event.ref])];
    }),
  ];
}
