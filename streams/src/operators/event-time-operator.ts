import { ProtegoError } from '@protego/contracts';
import type { OperatorFunction, Subscriber } from 'rxjs';
import { elementOperator } from './element-operator';
import { checkTime, checkWatermark } from './element-time';
import { WATERMARK_NONE } from './source-table';
import type { StreamElement } from './stream-element';

/** What an operator does as event time goes on. */
export interface EventTimeHandler<T> {
  /** Takes an on-time event. */
  readonly event: (event: T, timeMs: number) => void;
  /** Decides what ends at or before `nowMs`, because no event before it will follow. */
  readonly advance: (nowMs: number) => void;
}

/**
 * An operator whose time moves by watermarks alone, so that events may come in any order between them. Late and skewed
 * events do not reach the handler.
 * @throws ProtegoError `STREAM_TIME_INVALID`, into the stream, when the time of an event is no whole number.
 */
export function watermarkOperator<T, Out>(
  begin: (out: Subscriber<Out>) => EventTimeHandler<T>,
): OperatorFunction<StreamElement<T>, Out> {
  return elementOperator((out) => {
    const handler = begin(out);
    return {
      next: (element) => {
        if (element.kind === 'watermark') {
          checkWatermark(element.watermarkMs);
          handler.advance(element.watermarkMs);
        } else if (element.timing === 'on-time') {
          checkTime(element.timeMs);
          handler.event(element.event, element.timeMs);
        }
      },
    };
  });
}

/**
 * An operator over a stream in event-time order, as `orderByEventTime` makes it. In such a stream an event moves time as a
 * watermark does. What the operator holds when an event comes, and so what its bounds evict, then follows from the
 * events alone and not from where the watermarks stand between them.
 * @throws ProtegoError `STREAM_UNORDERED`, into the stream, when an event stands before an earlier one or a watermark;
 * `STREAM_TIME_INVALID` when its time is no whole number.
 */
export function orderedOperator<T, Out>(
  begin: (out: Subscriber<Out>) => EventTimeHandler<T>,
): OperatorFunction<StreamElement<T>, Out> {
  return elementOperator((out) => {
    const handler = begin(out);
    let clockMs = WATERMARK_NONE;
    return {
      next: (element) => {
        if (element.kind === 'watermark') {
          checkWatermark(element.watermarkMs);
          if (element.watermarkMs > clockMs) clockMs = element.watermarkMs;
          handler.advance(element.watermarkMs);
        } else if (element.timing === 'on-time') {
          const { event, timeMs } = element;
          checkTime(timeMs);
          if (timeMs < clockMs) throw unordered(timeMs, clockMs);
          clockMs = timeMs;
          handler.advance(timeMs);
          handler.event(event, timeMs);
        }
      },
    };
  });
}

function unordered(timeMs: number, clockMs: number): ProtegoError {
  return new ProtegoError(
    'STREAM_UNORDERED',
    `an event at ${timeMs} came when the stream stood at ${clockMs} already`,
    {
      timeMs,
      clockMs,
    },
  );
}
