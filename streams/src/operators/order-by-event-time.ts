import type { OperatorFunction } from 'rxjs';
import { elementOperator } from './element-operator';
import { checkTime, checkWatermark } from './element-time';
import { EventHeap, type EventOrder } from './event-heap';
import type { ValueCodec } from './keyed-store';
import { checkOptions } from './operator-options';
import { WATERMARK_NONE } from './source-table';
import type { Json, StateStore, StreamElement } from './stream-element';

/** Most events that wait for their watermark. */
export const REORDER_EVENTS_MAX = 1_000_000;

/**
 * Events that wait for their watermark. Beyond `eventsMax` the earliest is let go before its time and counted; what
 * then comes before it is dropped and counted, so that the stream stays in order.
 */
export class ReorderBuffer<T extends EventOrder> implements StateStore {
  readonly heap = new EventHeap<T>();
  /** Nothing before this time may leave any more. */
  floorMs = WATERMARK_NONE;
  /** Events let go before their watermark, because the buffer was full. */
  forcedCount = 0;
  /** Events dropped, because one after them had been let go early. */
  droppedCount = 0;

  /** @throws ProtegoError `OPERATOR_OPTION_INVALID` for a bound out of its range. */
  constructor(
    readonly codec: ValueCodec<T>,
    readonly eventsMax: number = REORDER_EVENTS_MAX,
  ) {
    checkOptions({ eventsMax });
  }

  snapshot(): Json {
    return {
      floorMs: Number.isFinite(this.floorMs) ? this.floorMs : null,
      forcedCount: this.forcedCount,
      droppedCount: this.droppedCount,
      events: this.heap.toArray().map(this.codec.toJson),
    };
  }

  restore(state: Json): void {
    const { floorMs, forcedCount, droppedCount, events } = state as {
      floorMs: number | null;
      forcedCount: number;
      droppedCount: number;
      events: Json[];
    };
    this.heap.clear();
    for (const event of events) this.heap.push(this.codec.fromJson(event));
    this.floorMs = floorMs ?? WATERMARK_NONE;
    this.forcedCount = forcedCount;
    this.droppedCount = droppedCount;
  }
}

/**
 * Holds on-time events back until the watermark has passed them and lets them go in the order of {@link EventOrder},
 * so that arrival order within the lateness cannot show. Late and skewed events go no further. Every watermark passes
 * on after the events that it lets go. An event at exactly the watermark still waits: its peers may yet come.
 * @throws ProtegoError `STREAM_TIME_INVALID`, into the stream, when the time of an event is no whole number.
 */
export function orderByEventTime<T extends EventOrder>(
  buffer: ReorderBuffer<T>,
): OperatorFunction<StreamElement<T>, StreamElement<T>> {
  const { heap } = buffer;
  return elementOperator((out) => {
    const release = (): void => {
      const event = heap.pop() as T;
      out.next({ kind: 'event', event, timeMs: event.timeMs, timing: 'on-time' });
    };
    const hold = (event: T): void => {
      checkTime(event.timeMs);
      if (event.timeMs < buffer.floorMs) {
        buffer.droppedCount++;
        return;
      }
      heap.push(event);
      if (heap.size <= buffer.eventsMax) return;
      buffer.floorMs = (heap.peek() as T).timeMs;
      buffer.forcedCount++;
      release();
    };
    return {
      next: (element) => {
        if (element.kind === 'event') {
          if (element.timing === 'on-time') hold(element.event);
          return;
        }
        checkWatermark(element.watermarkMs);
        // Nobody may listen any more after one of them.
        while (!out.closed && heap.size > 0 && (heap.peek() as T).timeMs < element.watermarkMs) release();
        out.next(element);
      },
    };
  });
}
