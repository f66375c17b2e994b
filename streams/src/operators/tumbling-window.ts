import type { OperatorFunction } from 'rxjs';
import type { Aggregate } from './aggregate';
import { orderedOperator, watermarkOperator } from './event-time-operator';
import { KeyedStore } from './keyed-store';
import { checkOptions, checkWhole } from './operator-options';
import type { Json, StateStore, StreamElement } from './stream-element';
import { subscriptionStore } from './subscription-store';

/** A closed window of one key. */
export interface TumblingPane<A> {
  readonly key: string;
  /** Half-open `[startMs, endMs)`, aligned to the Unix epoch plus the offset. */
  readonly startMs: number;
  readonly endMs: number;
  readonly value: A;
}

/** How {@link tumblingWindow} gathers events. */
export interface TumblingWindowOptions<T, A extends Json> extends Pick<Aggregate<T, A>, 'initial' | 'add'> {
  readonly windowMs: number;
  /** Moves every boundary: windows begin at `offsetMs + n·windowMs`. */
  readonly offsetMs?: number;
  /** Most open windows over all keys. */
  readonly panesMax?: number;
  /**
   * Says that events come in event-time order. An event then closes windows as a watermark does, and what the bound evicts
   * no longer depends on arrival.
   */
  readonly ordered?: boolean;
  /** Key of the event, or undefined to leave it out. */
  readonly keyOf: (event: T) => string | undefined;
}

/** How {@link hoppingWindow} gathers events. */
export interface HoppingWindowOptions<T, A extends Json> extends TumblingWindowOptions<T, A> {
  /** From one window's start to the next; at most `windowMs`, at least a thousandth of it. */
  readonly slideMs: number;
}

/** Most open windows of one operator. */
export const TUMBLING_PANES_MAX = 100_000;
/** Most windows that one event can be in. */
export const HOPPING_OVERLAP_MAX = 1_000;

interface OpenPane<A> {
  readonly key: string;
  readonly startMs: number;
  value: A;
}

/** Open tumbling or hopping windows; the one touched longest ago is evicted, and counted, beyond `panesMax`. */
export class TumblingWindows<A extends Json> implements StateStore {
  readonly panes: KeyedStore<OpenPane<A>>;

  /** @throws ProtegoError `OPERATOR_OPTION_INVALID` for a bound out of its range. */
  constructor(panesMax: number = TUMBLING_PANES_MAX) {
    checkOptions({ panesMax });
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
 * @throws ProtegoError `OPERATOR_OPTION_INVALID` for a duration, an offset or a bound out of its range.
 */
export function tumblingWindow<T, A extends Json>(
  options: TumblingWindowOptions<T, A>,
  windows?: TumblingWindows<A>,
): OperatorFunction<StreamElement<T>, TumblingPane<A>> {
  return hoppingWindow({ ...options, slideMs: options.windowMs }, windows);
}

/**
 * The same for windows `[n·s, n·s + w)` that begin every `slideMs` and overlap: an event is in `w / s` of them. Only windows
 * with events give panes.
 * @throws ProtegoError `OPERATOR_OPTION_INVALID` for a duration, an offset or a bound out of its range.
 */
export function hoppingWindow<T, A extends Json>(
  options: HoppingWindowOptions<T, A>,
  windows?: TumblingWindows<A>,
): OperatorFunction<StreamElement<T>, TumblingPane<A>> {
  const { windowMs, slideMs, offsetMs = 0, panesMax } = options;
  checkOptions({ windowMs, panesMax });
  checkWhole('slideMs', slideMs, Math.ceil(windowMs / HOPPING_OVERLAP_MAX), windowMs);
  checkWhole('offsetMs', offsetMs, -windowMs, windowMs);
  const lastStartMs = (timeMs: number): number => Math.floor((timeMs - offsetMs) / slideMs) * slideMs + offsetMs;
  const windowsFor = subscriptionStore(windows, () => new TumblingWindows<A>(panesMax));
  const gather = (open: TumblingWindows<A>, event: T, timeMs: number): void => {
    const key = options.keyOf(event);
    if (key === undefined) return;
    for (let startMs = lastStartMs(timeMs); startMs + windowMs > timeMs; startMs -= slideMs) {
      const storeKey = storeKeyOf(startMs, key);
      const known = open.panes.touchKnown(storeKey);
      // Before a pane is opened, because it may throw: a window without events would give a pane.
      const value = options.add(known === undefined ? options.initial() : known.value, event);
      if (known === undefined) openPane(open, { key, startMs, value });
      else known.value = value;
    }
  };
  const operator = options.ordered === true ? orderedOperator : watermarkOperator;
  return operator((out) => {
    const open = windowsFor();
    let nextEndMs = Number.NEGATIVE_INFINITY;
    return {
      event: (event, timeMs) => gather(open, event, timeMs),
      advance: (nowMs) => {
        // Most watermarks reach the end of no window.
        if (nowMs < nextEndMs) return;
        nextEndMs = lastStartMs(nowMs - windowMs) + slideMs + windowMs;
        for (const pane of closedPanes(open, windowMs, nowMs)) {
          // Each only when it goes out: nobody may listen any more after one of them, or the state be written down.
          open.panes.delete(storeKeyOf(pane.startMs, pane.key));
          out.next(pane);
          if (out.closed) return;
        }
      },
    };
  });
}

const storeKeyOf = (startMs: number, key: string): string => `${startMs}|${key}`;

function openPane<A extends Json>(windows: TumblingWindows<A>, pane: OpenPane<A>): void {
  windows.panes.touch(storeKeyOf(pane.startMs, pane.key), () => pane);
}

function closedPanes<A extends Json>(windows: TumblingWindows<A>, windowMs: number, nowMs: number): TumblingPane<A>[] {
  const closed: TumblingPane<A>[] = [];
  for (const [, { key, startMs, value }] of windows.panes.unordered())
    if (startMs + windowMs <= nowMs) closed.push({ key, startMs, endMs: startMs + windowMs, value });
  return closed.sort((a, b) => a.endMs - b.endMs || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}
