import type { LoggedEvent } from '@protego/contracts';
import type { OperatorFunction } from 'rxjs';
import { elementOperator } from './element-operator';
import type { SourceTable } from './source-table';
import type { StreamElement } from './stream-element';

/** Types whose only meaning is that time has passed. */
export const TICK_TYPE = 'clock.ticked';

/**
 * Classes every event as on time, late or skewed, and puts a watermark into the stream whenever it rises: before the
 * event when the passing of pipeline time raised it, after the event when the event itself did. Ticks raise the
 * watermark and go no further. Completion of the source says that nothing more will come: a last watermark of infinity
 * lets every window decide.
 */
export function assignWatermarks(table: SourceTable): OperatorFunction<LoggedEvent, StreamElement<LoggedEvent>> {
  return elementOperator((out) => {
    let emittedMs = table.watermarkMs;
    const raise = (watermarkMs: number): void => {
      if (watermarkMs <= emittedMs) return;
      emittedMs = watermarkMs;
      out.next({ kind: 'watermark', watermarkMs });
    };
    return {
      next: (event) => {
        raise(table.advance(event.arrivedAtMs));
        if (event.event.type === TICK_TYPE) return;
        const timing = table.admit(event.event.source, event.timeMs, event.arrivedAtMs);
        out.next({ kind: 'event', event, timeMs: event.timeMs, timing });
        if (timing === 'on-time') raise(table.advance(event.arrivedAtMs));
      },
      complete: () => raise(Number.POSITIVE_INFINITY),
    };
  });
}
