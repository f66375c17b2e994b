import type { OperatorFunction } from 'rxjs';
import { elementOperator } from './element-operator';
import { KeyedStore } from './keyed-store';
import type { Json, StateStore, StreamElement } from './stream-element';

/** A closed window of one key. */
export interface TumblingPane<A> {
  readonly key: string;
  /** Half-open `[startMs, endMs)`, aligned to the Unix epoch. */
  readonly startMs: number;
  readonly endMs: number;
  readonly value: A;
}

/** How {@link tumblingWindow} gathers events. */
export interface TumblingWindowOptions<T, A extends Json> {
  readonly windowMs: number;
  /** Most open windows over all keys. */
  readonly panesMax?: number;
  /** Key of the event, or undefined to leave it out. */
  readonly keyOf: (event: T) => string | undefined;
  readonly initial: () => A;
  /** The value with the event added; it may be the same object. Events of one window may come in any order. */
  readonly add: (value: A, event: T) => A;
}

/** Most open windows of one operator. */
export const TUMBLING_PANES_MAX = 100_000;

interface OpenPane<A> {
  readonly key: string;
  readonly startMs: number;
  value: A;
}

/** Open tumbling windows; the one touched longest ago is evicted, and counted, beyond `panesMax`. */
export class TumblingWindows<A extends Json> implements StateStore {
  readonly panes: KeyedStore<OpenPane<A>>;

  constructor(panesMax: number = TUMBLING_PANES_MAX) {
    this.panes = new KeyedStore(panesMax, {
      // Copies, because `add` may change a value in place: neither may a snapshot change afterwards nor a restored store
      // share its values with the snapshot.
      toJson: ({ key, startMs, value }): Json => [key, startMs, structuredClone(value)],
      fromJson: (json) => {
        const [key, startMs, value] = json as unknown as [string, number, A];
        return { key, startMs, value: structuredClone(value) };
      },
    });
  }

  snapshot(): Json {
    return this.panes.snapshot();
  }

  restore(state: Json): void {
    this.panes.restore(state);
  }
}

/**
 * Gathers on-time events per key into windows `[n·w, (n+1)·w)` of event time. A window closes, and its pane goes out,
 * when the watermark reaches its end; panes that close together go out by end, then key. An event on a boundary belongs
 * to the window that begins there. The end of the stream closes nothing.
 */
export function tumblingWindow<T, A extends Json>(
  options: TumblingWindowOptions<T, A>,
  windows = new TumblingWindows<A>(options.panesMax),
): OperatorFunction<StreamElement<T>, TumblingPane<A>> {
  const { windowMs } = options;
  const gather = (event: T, timeMs: number): void => {
    const key = options.keyOf(event);
    if (key === undefined) return;
    const startMs = Math.floor(timeMs / windowMs) * windowMs;
    const pane = windows.panes.touch(`${startMs}|${key}`, () => ({ key, startMs, value: options.initial() }));
    pane.value = options.add(pane.value, event);
  };
  return elementOperator((out) => {
    let nextEndMs = Number.NEGATIVE_INFINITY;
    const close = (watermarkMs: number): void => {
      // Windows end on multiples of windowMs only: most watermarks close nothing.
      if (watermarkMs < nextEndMs) return;
      nextEndMs = (Math.floor(watermarkMs / windowMs) + 1) * windowMs;
      for (const pane of closedPanes(windows, windowMs, watermarkMs)) out.next(pane);
    };
    return {
      next: (element) => {
        if (element.kind === 'watermark') close(element.watermarkMs);
        else if (element.timing === 'on-time') gather(element.event, element.timeMs);
      },
    };
  });
}

function closedPanes<A extends Json>(
  windows: TumblingWindows<A>,
  windowMs: number,
  watermarkMs: number,
): TumblingPane<A>[] {
  const closed: TumblingPane<A>[] = [];
  for (const [storeKey, { key, startMs, value }] of windows.panes.entries()) {
    if (startMs + windowMs > watermarkMs) continue;
    windows.panes.delete(storeKey);
    closed.push({ key, startMs, endMs: startMs + windowMs, value });
  }
  return closed.sort((a, b) => a.endMs - b.endMs || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}
