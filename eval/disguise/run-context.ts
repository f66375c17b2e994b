import type { ProtegoEvent } from '@protego/contracts';
import { surfaceOf, type SurfaceContext } from './surface-features';

/** How the events of one simulation stand to each other, as far as names and ids go. */
export class RunContext {
  readonly #counts = new Map<string, number>();
  readonly #idOrders: readonly string[];

  constructor(events: readonly ProtegoEvent[]) {
    for (const event of events)
      for (const [, value] of surfaceOf(event).values) this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
    this.#idOrders = idOrdersOf(events);
  }

  /** Of the event at a place. */
  at(place: number): SurfaceContext {
    return {
      countOf: (value) => this.#counts.get(value) ?? 0,
      idOrder: this.#idOrders[place] ?? '',
    };
  }
}

/** For each event how its id compares with those of its neighbours of the same source, by event time: `<>` and the like. */
function idOrdersOf(events: readonly ProtegoEvent[]): string[] {
  const orders: [string, string][] = events.map(() => ['', '']);
  const lastOf = new Map<string, number>();
  const inTime = events.map(({ time }, at) => ({ time, at })).sort((a, b) => (a.time < b.time ? -1 : 1));
  for (const { at } of inTime) {
    const { source, id } = events[at] as ProtegoEvent;
    const before = lastOf.get(source);
    lastOf.set(source, at);
    if (before === undefined) continue;
    const order = (events[before] as ProtegoEvent).id < id ? '<' : '>';
    (orders[at] as [string, string])[0] = order;
    (orders[before] as [string, string])[1] = order;
  }
  return orders.map((each) => each.join(''));
}
