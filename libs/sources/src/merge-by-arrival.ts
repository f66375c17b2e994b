import { ProtegoError } from '@protego/contracts';
import type { AcceptedItem, SourceItem } from './source-item';

/** Most files of one merge: each holds a file descriptor and one batch of items. */
export const MERGE_FILES_MAX = 1024;
/** Items of a merged batch after which it is handed out. */
const BATCH_ITEMS = 512;

/**
 * Items of several files in the order of (arrivedAtMs, index of the file); each file keeps its own order. A rejected
 * item has no place in time and comes out as soon as it is met.
 *
 * @throws ProtegoError `USAGE_INVALID` for more than {@link MERGE_FILES_MAX} files, and what a file throws
 */
export async function* mergeByArrival(files: readonly AsyncGenerator<SourceItem>[]): AsyncGenerator<SourceItem> {
  for await (const batch of mergeBatchesByArrival(files.map(single))) yield* batch;
}

/** {@link mergeByArrival} over batches, as `readSourceBatches` gives them; quicker, because little is awaited. */
export async function* mergeBatchesByArrival(
  files: readonly AsyncGenerator<SourceItem[]>[],
): AsyncGenerator<SourceItem[]> {
  if (files.length > MERGE_FILES_MAX)
    throw new ProtegoError('USAGE_INVALID', `${files.length} files, at most ${MERGE_FILES_MAX} can be merged`);
  const cursors = files.map((batches, index) => new Cursor(batches, index));
  const merged: SourceItem[] = [];
  const heap = new CursorHeap();
  try {
    for (const cursor of cursors) {
      yield* bringHead(cursor, merged);
      if (cursor.head !== undefined) heap.push(cursor);
    }
    for (let first = heap.first; first !== undefined; first = heap.first) {
      merged.push(first.take());
      if (merged.length >= BATCH_ITEMS) yield merged.splice(0);
      if (!first.skipRejected(merged)) yield* bringHead(first, merged);
      heap.settleFirst();
    }
    if (merged.length > 0) yield merged;
  } finally {
    await Promise.all(cursors.map((cursor) => cursor.close()));
  }
}

async function* single(items: AsyncGenerator<SourceItem>): AsyncGenerator<SourceItem[]> {
  for await (const item of items) yield [item];
}

/** Reads until the file's next event is at its head or the file is at its end. */
async function* bringHead(cursor: Cursor, merged: SourceItem[]): AsyncGenerator<SourceItem[]> {
  while (!cursor.skipRejected(merged)) {
    if (merged.length >= BATCH_ITEMS) yield merged.splice(0);
    if (!(await cursor.refill())) return;
  }
}

/** Position in one file. */
class Cursor {
  /** The next event, or undefined before the first one and behind the last one. */
  head: AcceptedItem | undefined;
  #batch: readonly SourceItem[] = [];
  #at = 0;

  constructor(
    readonly batches: AsyncGenerator<SourceItem[]>,
    readonly index: number,
  ) {}

  take(): AcceptedItem {
    const taken = this.head as AcceptedItem;
    this.head = undefined;
    return taken;
  }

  /** Hands out rejected items up to the next event; true when that event is now the head. */
  skipRejected(merged: SourceItem[]): boolean {
    while (this.#at < this.#batch.length) {
      const item = this.#batch[this.#at++] as SourceItem;
      if (item.kind === 'event') {
        this.head = item;
        return true;
      }
      merged.push(item);
    }
    return false;
  }

  async refill(): Promise<boolean> {
    const { done, value } = await this.batches.next();
    this.#batch = done ? [] : value;
    this.#at = 0;
    return !done;
  }

  async close(): Promise<void> {
    await this.batches.return(undefined);
  }

  isBefore(other: Cursor): boolean {
    const difference = (this.head?.arrivedAtMs ?? Infinity) - (other.head?.arrivedAtMs ?? Infinity);
    return difference < 0 || (difference === 0 && this.index < other.index);
  }
}

/** Binary heap of cursors that have a head, the earliest first. */
class CursorHeap {
  readonly #cursors: Cursor[] = [];

  get first(): Cursor | undefined {
    return this.#cursors[0];
  }

  push(cursor: Cursor): void {
    let at = this.#cursors.push(cursor) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!cursor.isBefore(this.#at(parent))) break;
      this.#cursors[at] = this.#at(parent);
      at = parent;
    }
    this.#cursors[at] = cursor;
  }

  /** Restores the order after the first cursor has moved on; drops it at the end of its file. */
  settleFirst(): void {
    const moved = this.#at(0);
    if (moved.head !== undefined) return this.#sink(moved);
    const last = this.#cursors.pop() as Cursor;
    if (this.#cursors.length > 0) this.#sink(last);
  }

  #sink(cursor: Cursor): void {
    let at = 0;
    for (let child = 1; child < this.#cursors.length; child = 2 * at + 1) {
      if (child + 1 < this.#cursors.length && this.#at(child + 1).isBefore(this.#at(child))) child++;
      if (!this.#at(child).isBefore(cursor)) break;
      this.#cursors[at] = this.#at(child);
      at = child;
    }
    this.#cursors[at] = cursor;
  }

  #at(index: number): Cursor {
    return this.#cursors[index] as Cursor;
  }
}
