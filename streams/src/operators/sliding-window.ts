import type { OperatorFunction } from 'rxjs';
import { elementOperator } from './element-operator';
import { KeyedStore } from './keyed-store';
import type { Json, StateStore, StreamElement } from './stream-element';

/** One event in a window. */
export interface WindowEntry<R> {
  readonly timeMs: number;
  /** What is counted when values are counted; null when events are. */
  readonly value: string | null;
  readonly ref: R;
}

/** Bounds of sliding windows; what goes beyond them is evicted and counted. */
export interface SlidingWindowOptions {
  /** An event at t sees the events in `[t − windowMs + 1, t + 1)`, that is, those less than `windowMs` before it. */
  readonly windowMs: number;
  readonly keysMax?: number;
  readonly entriesMax?: number;
}

/** Most keys of one sliding window. */
export const SLIDING_KEYS_MAX = 100_000;
/** Most events of one key. */
export const SLIDING_ENTRIES_MAX = 10_000;

/** Stands for no values in every window that counts events only, and is never written to: an empty map takes much room. */
const NO_VALUES = new Map<string, number>();

/** Window of one key: entries in event-time order and, per value, how many hold it. */
export interface WindowState<R> {
  /** Oldest first; entries before `head` have left. */
  entries: WindowEntry<R>[];
  head: number;
  values: Map<string, number>;
  /** Free for the caller: whether a trigger may fire again. */
  armed: boolean;
}

/**
 * Keyed sliding windows over events that come in event-time order. Bounds: `keysMax` keys (the one touched longest ago
 * leaves) and `entriesMax` events a key. A full window of counted values first lets go the events whose value came again
 * later, which changes no count of values; then the oldest leaves. All evictions are counted.
 */
export class SlidingWindows<R extends Json> implements StateStore {
  readonly windows: KeyedStore<WindowState<R>>;
  readonly windowMs: number;
  readonly #entriesMax: number;
  #evictedEntryCount = 0;

  constructor(options: SlidingWindowOptions) {
    this.windowMs = options.windowMs;
    this.#entriesMax = options.entriesMax ?? SLIDING_ENTRIES_MAX;
    this.windows = new KeyedStore(options.keysMax ?? SLIDING_KEYS_MAX, {
      toJson: windowToJson,
      fromJson: windowFromJson,
    });
  }

  /** Events that left a window before their time because it was full. */
  get evictedEntryCount(): number {
    return this.#evictedEntryCount;
  }

  /** Window of a key as an event at `timeMs` finds it, before it is added. */
  at(key: string, timeMs: number): WindowState<R> {
    const window = this.windows.touch(key, newWindow<R>);
    this.expire(window, timeMs);
    return window;
  }

  /** Lets go what an event at `timeMs` no longer sees. */
  expire(window: WindowState<R>, timeMs: number): void {
    const goneMs = timeMs - this.windowMs;
    const { entries } = window;
    while (window.head < entries.length && (entries[window.head] as WindowEntry<R>).timeMs <= goneMs)
      dropOldest(window);
    if (window.head <= 64 || window.head * 2 <= entries.length) return;
    window.entries = entries.slice(window.head);
    window.head = 0;
  }

  /** Adds an event to a window that {@link at} returned. */
  add(window: WindowState<R>, entry: WindowEntry<R>): void {
    if (window.entries.length - window.head >= this.#entriesMax) this.#makeRoom(window);
    window.entries.push(entry);
    if (entry.value !== null) addValue(window, entry.value);
  }

  // Where values are counted, only the latest event of each matters: a flood of one value must not push the others out.
  #makeRoom(window: WindowState<R>): void {
    const before = entryCountOf(window);
    if (window.values.size > 0) keepLatestOfEachValue(window);
    if (entryCountOf(window) >= this.#entriesMax) dropOldest(window);
    this.#evictedEntryCount += before - entryCountOf(window);
  }

  snapshot(): Json {
    return { evictedEntryCount: this.#evictedEntryCount, windows: this.windows.snapshot() };
  }

  restore(state: Json): void {
    const { evictedEntryCount, windows } = state as { evictedEntryCount: number; windows: Json };
    this.#evictedEntryCount = evictedEntryCount;
    this.windows.restore(windows);
  }
}

function newWindow<R>(): WindowState<R> {
  return { entries: [], head: 0, values: NO_VALUES, armed: true };
}

function addValue(window: WindowState<unknown>, value: string): void {
  if (window.values === NO_VALUES) window.values = new Map();
  window.values.set(value, (window.values.get(value) ?? 0) + 1);
}

/** How many events a window holds. */
export function entryCountOf(window: WindowState<unknown>): number {
  return window.entries.length - window.head;
}

/** Events of a window, oldest first. */
export function entriesOf<R>(window: WindowState<R>): readonly WindowEntry<R>[] {
  return window.entries.slice(window.head);
}

function keepLatestOfEachValue(window: WindowState<unknown>): void {
  const seen = new Set<string | null>();
  const latest = entriesOf(window)
    .toReversed()
    .filter(({ value }) => !seen.has(value) && seen.add(value));
  window.entries = latest.toReversed();
  window.head = 0;
  window.values = new Map();
  for (const { value } of latest) if (value !== null) window.values.set(value, 1);
}

function dropOldest(window: WindowState<unknown>): void {
  const { value } = window.entries[window.head++] as WindowEntry<unknown>;
  if (value === null) return;
  const left = (window.values.get(value) ?? 1) - 1;
  if (left === 0) window.values.delete(value);
  else window.values.set(value, left);
}

function windowToJson<R extends Json>(window: WindowState<R>): Json {
  return [window.armed, entriesOf(window).map(({ timeMs, value, ref }) => [timeMs, value, ref])];
}

function windowFromJson<R extends Json>(json: Json): WindowState<R> {
  const [armed, entries] = json as unknown as [boolean, [number, string | null, R][]];
  const window: WindowState<R> = { ...newWindow<R>(), armed };
  for (const [timeMs, value, ref] of entries) {
    window.entries.push({ timeMs, value, ref });
    if (value !== null) addValue(window, value);
  }
  return window;
}

/** What an event finds in its window, itself included. */
export interface SlidingCount<T> {
  readonly event: T;
  readonly key: string;
  readonly timeMs: number;
  readonly eventCount: number;
  /** Distinct values; 0 where no value is counted. */
  readonly valueCount: number;
}

/** How {@link slidingCount} reads an event. */
export interface SlidingCountOptions<T> extends SlidingWindowOptions {
  /** Key of the event, or undefined to leave it out. */
  readonly keyOf: (event: T) => string | undefined;
  /** Value to count distinct, or undefined to count events only. */
  readonly countedValueOf?: (event: T) => string | undefined;
}

/**
 * Count of events, and of distinct values, per key in a sliding event-time window; one result an event. Expects a stream
 * in event-time order, as `orderByEventTime` makes it.
 */
export function slidingCount<T>(
  options: SlidingCountOptions<T>,
  windows = new SlidingWindows<null>(options),
): OperatorFunction<StreamElement<T>, SlidingCount<T>> {
  return elementOperator((out) => ({
    next: (element) => {
      if (element.kind !== 'event' || element.timing !== 'on-time') return;
      const { event, timeMs } = element;
      const key = options.keyOf(event);
      if (key === undefined) return;
      const window = windows.at(key, timeMs);
      windows.add(window, { timeMs, value: options.countedValueOf?.(event) ?? null, ref: null });
      out.next({ event, key, timeMs, eventCount: entryCountOf(window), valueCount: window.values.size });
    },
  }));
}
