/** Total order of ordered streams: event time, then source, then id (by UTF-16 code units). */
export interface EventOrder {
  readonly timeMs: number;
  readonly source: string;
  readonly id: string;
}

/** Negative, zero or positive as a stands before, with or after b. */
export function compareEventOrder(a: EventOrder, b: EventOrder): number {
  if (a.timeMs !== b.timeMs) return a.timeMs - b.timeMs;
  if (a.source !== b.source) return a.source < b.source ? -1 : 1;
  return a.id === b.id ? 0 : a.id < b.id ? -1 : 1;
}

/** Binary min-heap over {@link compareEventOrder}. */
export class EventHeap<T extends EventOrder> {
  #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** The least element, which stays. */
  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent] as T;
      if (compareEventOrder(above, item) <= 0) break;
      items[at] = above;
      at = parent;
    }
    items[at] = item;
  }

  /** Takes the least element out. */
  pop(): T | undefined {
    const items = this.#items;
    const least = items[0];
    const last = items.pop();
    if (last !== undefined && items.length > 0) this.#sink(last);
    return least;
  }

  /** Every element, in heap order. */
  toArray(): readonly T[] {
    return this.#items;
  }

  clear(): void {
    this.#items = [];
  }

  #sink(item: T): void {
    const items = this.#items;
    const half = items.length >> 1;
    let at = 0;
    while (at < half) {
      let child = 2 * at + 1;
      if (child + 1 < items.length && compareEventOrder(items[child + 1] as T, items[child] as T) < 0) child++;
      if (compareEventOrder(items[child] as T, item) >= 0) break;
      items[at] = items[child] as T;
      at = child;
    }
    items[at] = item;
  }
}
