import type { OperatorFunction } from 'rxjs';
import { elementOperator } from './element-operator';
import { WATERMARK_NONE } from './source-table';
import type { Json, StateStore, StreamElement } from './stream-element';
import { subscriptionStore } from './subscription-store';

/** An event that the windows do not see, because its time was past or in the future. */
export interface MistimedEvent<T> {
  readonly event: T;
  readonly timeMs: number;
  readonly timing: 'late' | 'skewed';
  /** Watermark when it came. */
  readonly watermarkMs: number;
}

/** How many events were late and skewed, and the watermark that the next one is held against. */
export class MistimedCounts implements StateStore {
  watermarkMs = WATERMARK_NONE;
  lateCount = 0;
  skewedCount = 0;

  snapshot(): Json {
    const { watermarkMs, lateCount, skewedCount } = this;
    return { watermarkMs: Number.isFinite(watermarkMs) ? watermarkMs : null, lateCount, skewedCount };
  }

  restore(state: Json): void {
    const { watermarkMs, lateCount, skewedCount } = state as {
      watermarkMs: number | null;
      lateCount: number;
      skewedCount: number;
    };
    Object.assign(this, { watermarkMs: watermarkMs ?? WATERMARK_NONE, lateCount, skewedCount });
  }
}

/** The late stream and the skewed stream: the events that windows leave out, each once, and counted. */
export function mistimedEvents<T>(counts?: MistimedCounts): OperatorFunction<StreamElement<T>, MistimedEvent<T>> {
  const countsFor = subscriptionStore(counts, () => new MistimedCounts());
  return elementOperator((out) => {
    const counted = countsFor();
    return {
      next: (element) => {
        if (element.kind === 'watermark') {
          counted.watermarkMs = element.watermarkMs;
          return;
        }
        const { event, timeMs, timing } = element;
        if (timing === 'on-time') return;
        if (timing === 'late') counted.lateCount++;
        else counted.skewedCount++;
        out.next({ event, timeMs, timing, watermarkMs: counted.watermarkMs });
      },
    };
  });
}
