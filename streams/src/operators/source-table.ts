import { SOURCE_COUNT_MAX, type SourceDeclarations } from '@protego/contracts';
import type { Json, StateStore, Timing } from './stream-element';

interface SourceTimes {
  readonly latenessMs: number;
  readonly idleAfterMs: number;
}

interface SourceState extends SourceTimes {
  greatestTimeMs: number;
  lastArrivedAtMs: number;
}

/** Watermark before the first event. */
export const WATERMARK_NONE = Number.NEGATIVE_INFINITY;

/**
 * The sources of one session and the watermark that follows from them: the running maximum of the minimum over active
 * sources of (greatest time − lateness). A source that is silent in pipeline time for longer than its idle time-out
 * leaves the minimum; where no source is active the watermark follows pipeline time − the greatest lateness of those
 * known, and of the default.
 */
export class SourceTable implements StateStore {
  readonly #sources = new Map<string, SourceState>();
  readonly #times: ReadonlyMap<string, SourceTimes>;
  #watermarkMs = WATERMARK_NONE;
  #arrivedAtMs = WATERMARK_NONE;
  #evictedCount = 0;
  /**
   * The source that held the watermark back when it was last worked out. While it is active and has not moved, nothing
   * can raise the watermark, so that most events need not look at every source.
   */
  #holder: SourceState | undefined;

  constructor(readonly declarations: SourceDeclarations) {
    this.#times = new Map(declarations.sources.map((source) => [source.name, source]));
  }

  get watermarkMs(): number {
    return this.#watermarkMs;
  }

  /** Sources of which the table keeps time. */
  get size(): number {
    return this.#sources.size;
  }

  /** Sources forgotten since the beginning of the stream, because others needed their place. */
  get evictedCount(): number {
    return this.#evictedCount;
  }

  /** Moves pipeline time on, which may turn sources idle; returns the watermark. */
  advance(arrivedAtMs: number): number {
    if (arrivedAtMs > this.#arrivedAtMs) this.#arrivedAtMs = arrivedAtMs;
    if (this.#holder === undefined || this.#isIdle(this.#holder)) this.#raise();
    return this.#watermarkMs;
  }

  /**
   * Classes an event and, where it came within the lateness of its source, lets it move that source, even if the watermark had not
   * waited for it: a feed that is always a few seconds behind is heard of by a late event, and would stay late for ever. Skewed
   * events, and those that took longer than their source may, move nothing. Call {@link advance} with the event's arrival first.
   */
  admit(source: string, timeMs: number, arrivedAtMs: number): Timing {
    if (timeMs > arrivedAtMs + this.declarations.skewMaxMs) return 'skewed';
    const isLate = timeMs < this.#watermarkMs;
    const known = this.#sources.get(source);
    if (isLate && timeMs < arrivedAtMs - this.#timesOf(source).latenessMs) return 'late';
    if (known === undefined) this.#add(source, timeMs, this.#arrivedAtMs);
    else this.#move(known, timeMs);
    return isLate ? 'late' : 'on-time';
  }

  snapshot(): Json {
    const sources = [...this.#sources].map(([name, { greatestTimeMs, lastArrivedAtMs }]) => [
      name,
      greatestTimeMs,
      lastArrivedAtMs,
    ]);
    return {
      sources,
      watermarkMs: finite(this.#watermarkMs),
      arrivedAtMs: finite(this.#arrivedAtMs),
      evictedCount: this.#evictedCount,
    };
  }

  restore(state: Json): void {
    const { sources, watermarkMs, arrivedAtMs, evictedCount } = state as {
      sources: [string, number, number][];
      watermarkMs: number | null;
      arrivedAtMs: number | null;
      evictedCount: number;
    };
    this.#sources.clear();
    this.#holder = undefined;
    this.#evictedCount = evictedCount;
    this.#watermarkMs = watermarkMs ?? WATERMARK_NONE;
    this.#arrivedAtMs = arrivedAtMs ?? WATERMARK_NONE;
    for (const [name, greatestTimeMs, lastArrivedAtMs] of sources) this.#add(name, greatestTimeMs, lastArrivedAtMs);
  }

  #timesOf(source: string): SourceTimes {
    return this.#times.get(source) ?? this.declarations.defaults;
  }

  #move(state: SourceState, timeMs: number): void {
    state.lastArrivedAtMs = this.#arrivedAtMs;
    if (timeMs <= state.greatestTimeMs) return;
    state.greatestTimeMs = timeMs;
    if (state === this.#holder) this.#holder = undefined;
  }

  #add(source: string, greatestTimeMs: number, lastArrivedAtMs: number): void {
    // Declared sources are at most 256; the one silent longest makes room for a feed that nobody declared.
    if (this.#sources.size >= SOURCE_COUNT_MAX) this.#dropStalest();
    const { latenessMs, idleAfterMs } = this.#timesOf(source);
    this.#sources.set(source, { greatestTimeMs, lastArrivedAtMs, latenessMs, idleAfterMs });
  }

  #dropStalest(): void {
    let stalest: string | undefined;
    let stalestAtMs = Number.POSITIVE_INFINITY;
    for (const [name, { lastArrivedAtMs }] of this.#sources) {
      if (lastArrivedAtMs < stalestAtMs) [stalest, stalestAtMs] = [name, lastArrivedAtMs];
    }
    if (stalest === undefined) return;
    if (this.#sources.get(stalest) === this.#holder) this.#holder = undefined;
    this.#sources.delete(stalest);
    this.#evictedCount++;
  }

  #isIdle({ lastArrivedAtMs, idleAfterMs }: SourceState): boolean {
    return lastArrivedAtMs + idleAfterMs < this.#arrivedAtMs;
  }

  #raise(): void {
    this.#holder = undefined;
    let lowestMs = Number.POSITIVE_INFINITY;
    let latenessMaxMs = this.declarations.defaults.latenessMs;
    for (const state of this.#sources.values()) {
      if (state.latenessMs > latenessMaxMs) latenessMaxMs = state.latenessMs;
      if (this.#isIdle(state)) continue;
      const heldAtMs = state.greatestTimeMs - state.latenessMs;
      if (heldAtMs >= lowestMs) continue;
      lowestMs = heldAtMs;
      this.#holder = state;
    }
    if (this.#holder === undefined) lowestMs = this.#arrivedAtMs - latenessMaxMs;
    if (lowestMs > this.#watermarkMs) this.#watermarkMs = lowestMs;
  }
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
