import { KeyedStore, type ValueCodec } from './keyed-store';
import { WATERMARK_NONE } from './source-table';
import type { Json, StateStore } from './stream-element';

/** How a {@link DeadlineStore} writes a value down, and what it reads from it. */
export interface DeadlineCodec<V> extends ValueCodec<V> {
  /** Event time, in milliseconds, at which the value has something to decide or to forget; finite. */
  readonly deadlineOf: (value: V) => number;
  /** How much of the bound on entries the value takes up. */
  readonly entryCountOf: (value: V) => number;
}

/** Bounds of a {@link DeadlineStore}. */
export interface DeadlineBounds {
  readonly keysMax: number;
  /** Most entries over all keys. */
  readonly entriesMax: number;
}

/** The state of one key. */
export interface DeadlineCell<V> {
  readonly key: string;
  readonly value: V;
}

interface Cell<V> extends DeadlineCell<V> {
  key: string;
  entryCount: number;
  /** Where the cell stands in the queue; at or before its deadline. */
  queuedMs: number;
  place: number;
}

/** The place of a cell that is not in the queue. */
const UNQUEUED = -1;

/**
 * State per key that has something to do at an event time of its own. Bounds: keys, and entries over all keys; beyond
 * either the key touched longest ago is evicted, and counted. The queue is a binary heap that knows the place of every
 * cell, so that it never holds more than the keys there are. A deadline that moves away costs nothing until it is met.
 */
export class DeadlineStore<V> implements StateStore {
  readonly #cells: KeyedStore<Cell<V>>;
  #queue: Cell<V>[] = [];
  #entryCount = 0;
  #evictedEntryCount = 0;
  #evictedUntilMs = WATERMARK_NONE;

  constructor(
    readonly codec: DeadlineCodec<V>,
    readonly bounds: DeadlineBounds,
  ) {
    this.#cells = new KeyedStore(
      bounds.keysMax,
      {
        toJson: ({ value }) => codec.toJson(value),
        fromJson: (json) => newCell('', codec.fromJson(json)),
      },
      (cell) => this.#evicted(cell),
    );
  }

  /** Keys held. */
  get size(): number {
    return this.#cells.size;
  }

  /** Entries held, over all keys. */
  get entryCount(): number {
    return this.#entryCount;
  }

  /** Keys evicted since the beginning of the stream. */
  get evictedCount(): number {
    return this.#cells.evictedCount;
  }

  /** Entries evicted since the beginning of the stream, with their key or out of it. */
  get evictedEntryCount(): number {
    return this.#evictedEntryCount;
  }

  /** The latest deadline of an evicted key: until then a key that seems new may have been known. */
  get evictedUntilMs(): number {
    return this.#evictedUntilMs;
  }

  /** State of a key; touches it. Creates it where it is missing. Call {@link settle} when it is as it should be. */
  touch(key: string, create: () => V): DeadlineCell<V> {
    return this.#cells.touch(key, () => newCell(key, create()));
  }

  /** State of a key that is there; touches it. */
  touchKnown(key: string): DeadlineCell<V> | undefined {
    return this.#cells.touchKnown(key);
  }

  /** Takes note of a changed value: its deadline, and its entries, which may evict other keys. */
  settle(changed: DeadlineCell<V>): void {
    const cell = changed as Cell<V>;
    const deadlineMs = this.codec.deadlineOf(cell.value);
    if (cell.place === UNQUEUED) this.#enqueue(cell, deadlineMs);
    else if (deadlineMs < cell.queuedMs) {
      cell.queuedMs = deadlineMs;
      this.#rise(cell);
    }
    const entryCount = this.codec.entryCountOf(cell.value);
    this.#entryCount += entryCount - cell.entryCount;
    cell.entryCount = entryCount;
    while (this.#entryCount > this.bounds.entriesMax && this.#cells.size > 1) this.#cells.evictOldest();
  }

  /** Counts entries that an operator took out of a key because it was full. */
  countEvictedEntries(count: number): void {
    this.#evictedEntryCount += count;
  }

  /**
   * The cell with the least deadline, if that is at or before `nowMs`; of equal deadlines the one with the least key. Before the
   * next call the cell must be deleted, or be given a later deadline and settled.
   */
  due(nowMs: number): DeadlineCell<V> | undefined {
    for (;;) {
      const cell = this.#queue[0];
      if (cell === undefined || cell.queuedMs > nowMs) return undefined;
      const deadlineMs = this.codec.deadlineOf(cell.value);
      if (deadlineMs === cell.queuedMs) return cell;
      cell.queuedMs = deadlineMs;
      this.#sink(cell);
    }
  }

  /** Forgets the keys whose deadline is at or before `nowMs`, where there is nothing to decide. */
  forgetDue(nowMs: number): void {
    for (let cell = this.due(nowMs); cell !== undefined; cell = this.due(nowMs)) this.delete(cell);
  }

  /** Forgets a key whose state has done its work. */
  delete(cell: DeadlineCell<V>): void {
    this.#cells.delete(cell.key);
    this.#remove(cell as Cell<V>);
  }

  /** Sizes and evictions, each name after the prefix. */
  counters(prefix: string): Record<string, number> {
    return {
      [`${prefix}Keys`]: this.size,
      [`${prefix}Entries`]: this.entryCount,
      [`${prefix}KeysEvicted`]: this.evictedCount,
      [`${prefix}EntriesEvicted`]: this.evictedEntryCount,
    };
  }

  snapshot(): Json {
    return {
      cells: this.#cells.snapshot(),
      evictedEntryCount: this.#evictedEntryCount,
      evictedUntilMs: Number.isFinite(this.#evictedUntilMs) ? this.#evictedUntilMs : null,
    };
  }

  restore(state: Json): void {
    const { cells, evictedEntryCount, evictedUntilMs } = state as {
      cells: Json;
      evictedEntryCount: number;
      evictedUntilMs: number | null;
    };
    this.#queue = [];
    this.#entryCount = 0;
    this.#evictedEntryCount = evictedEntryCount;
    this.#evictedUntilMs = evictedUntilMs ?? WATERMARK_NONE;
    this.#cells.restore(cells);
    for (const [key, cell] of this.#cells.unordered()) {
      cell.key = key;
      cell.entryCount = this.codec.entryCountOf(cell.value);
      this.#entryCount += cell.entryCount;
      this.#enqueue(cell, this.codec.deadlineOf(cell.value));
    }
  }

  #evicted(cell: Cell<V>): void {
    this.#evictedEntryCount += cell.entryCount;
    this.#evictedUntilMs = Math.max(this.#evictedUntilMs, this.codec.deadlineOf(cell.value));
    this.#remove(cell);
  }

  #remove(cell: Cell<V>): void {
    this.#entryCount -= cell.entryCount;
    cell.entryCount = 0;
    const { place } = cell;
    if (place === UNQUEUED) return;
    cell.place = UNQUEUED;
    const last = this.#queue.pop();
    if (last === undefined || last === cell) return;
    this.#put(last, place);
    this.#sink(last);
    this.#rise(last);
  }

  #enqueue(cell: Cell<V>, deadlineMs: number): void {
    cell.queuedMs = deadlineMs;
    this.#put(cell, this.#queue.length);
    this.#rise(cell);
  }

  #put(cell: Cell<V>, place: number): void {
    this.#queue[place] = cell;
    cell.place = place;
  }

  #rise(cell: Cell<V>): void {
    let { place } = cell;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = this.#queue[parent] as Cell<V>;
      if (!isBefore(cell, above)) break;
      this.#put(above, place);
      place = parent;
    }
    this.#put(cell, place);
  }

  #sink(cell: Cell<V>): void {
    const queue = this.#queue;
    const half = queue.length >> 1;
    let { place } = cell;
    while (place < half) {
      let child = 2 * place + 1;
      if (child + 1 < queue.length && isBefore(queue[child + 1] as Cell<V>, queue[child] as Cell<V>)) child++;
      const below = queue[child] as Cell<V>;
      if (!isBefore(below, cell)) break;
      this.#put(below, place);
      place = child;
    }
    this.#put(cell, place);
  }
}

function newCell<V>(key: string, value: V): Cell<V> {
  return { key, value, entryCount: 0, queuedMs: 0, place: UNQUEUED };
}

function isBefore<V>(a: Cell<V>, b: Cell<V>): boolean {
  return a.queuedMs === b.queuedMs ? a.key < b.key : a.queuedMs < b.queuedMs;
}
