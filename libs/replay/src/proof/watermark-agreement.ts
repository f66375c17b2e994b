import { SOURCE_COUNT_MAX, type LoggedEvent, type SourceDeclarations } from '@protego/contracts';
import { SESSION_CLOSED, SESSION_OPENED, TICK_TYPE } from '@protego/streams';

/** What is certain of a source in every run that went through these events, whatever it had seen before. */
interface SourceKnowledge {
  readonly latenessMs: number;
  readonly idleAfterMs: number;
  /** Greatest time that is certain. What came before the first event may have claimed a later one, but none above the ceiling. */
  greatestTimeMs: number;
  /** Latest pipeline time at which it may have moved. */
  lastArrivedAtMs: number;
  /** True when it moved with its latest event in every run. */
  isSure: boolean;
}

/**
 * Finds out from when on the watermark of a session is the same in every run over its events, whatever came before the
 * first of them: a run that begins there with no state may then be taken for the run over everything. That is never taken
 * for granted. A feed that is further behind than its lateness holds the watermark back in a run that has known it since it was
 * on time, and is not heard of in one that has not.
 *
 * What moves a source is the same in all runs when it came within the source's lateness (`SourceTable.admit`); for what took
 * longer it hangs on the watermark. An event within the lateness puts an end to any doubt about its source, because it is
 * newer than all that took longer. Once there is no doubt about any source that may be active, and the minimum over them has
 * passed whatever a watermark or a source may have stood at by then, all runs have the same watermark; and they keep it,
 * because it decides about all that follows. A table that has to forget sources (`SOURCE_COUNT_MAX`) is not followed any further.
 */
export class WatermarkAgreement {
  readonly #sources = new Map<string, SourceKnowledge>();
  readonly #idleMaxMs: number;
  readonly #latenessMaxMs: number;
  #firstMs: number | undefined;
  #arrivedAtMs = Number.NEGATIVE_INFINITY;
  /** The watermark of no run is above this. */
  #ceilingMs = Number.NEGATIVE_INFINITY;
  /** Ceiling when the last doubt about an active source ended; undefined while there is one. */
  #toPassMs: number | undefined;
  /** The watermark of no run is below this; once they agree, it is this. */
  #floorMs = Number.NEGATIVE_INFINITY;
  #sinceMs: number | undefined;
  #isOverfull = false;

  constructor(private readonly declarations: SourceDeclarations) {
    const { defaults, sources } = declarations;
    this.#idleMaxMs = Math.max(defaults.idleAfterMs, ...sources.map(({ idleAfterMs }) => idleAfterMs));
    this.#latenessMaxMs = Math.max(defaults.latenessMs, ...sources.map(({ latenessMs }) => latenessMs));
  }

  /** Pipeline time, milliseconds, since when all runs have had the same watermark; undefined while they may not. */
  get sinceMs(): number | undefined {
    return this.#isOverfull ? undefined : this.#sinceMs;
  }

  /** Takes the next event of the session. */
  next({ event: { source, type }, timeMs, arrivedAtMs }: LoggedEvent): void {
    const { skewMaxMs, defaults } = this.declarations;
    this.#firstMs ??= arrivedAtMs;
    if (arrivedAtMs > this.#arrivedAtMs) this.#arrivedAtMs = arrivedAtMs;
    this.#ceilingMs = Math.max(this.#ceilingMs, this.#firstMs + skewMaxMs, arrivedAtMs - defaults.latenessMs);
    this.#look();
    if (type === TICK_TYPE || timeMs > arrivedAtMs + skewMaxMs) return;
    const known = this.#sourceOf(source);
    if (known === undefined) this.#isOverfull = true;
    else this.#admit(known, timeMs, arrivedAtMs);
    this.#ceilingMs = Math.max(this.#ceilingMs, timeMs);
  }

  #sourceOf(name: string): SourceKnowledge | undefined {
    const known = this.#sources.get(name);
    if (known !== undefined || this.#sources.size >= SOURCE_COUNT_MAX) return known;
    const { sources, defaults } = this.declarations;
    const { latenessMs, idleAfterMs } = sources.find((each) => each.name === name) ?? defaults;
    const never = Number.NEGATIVE_INFINITY;
    const made = { latenessMs, idleAfterMs, greatestTimeMs: never, lastArrivedAtMs: never, isSure: false };
    this.#sources.set(name, made);
    return made;
  }

  #admit(source: SourceKnowledge, timeMs: number, arrivedAtMs: number): void {
    const isPrompt = timeMs >= arrivedAtMs - source.latenessMs;
    if (!isPrompt && timeMs < this.#floorMs) return;
    source.lastArrivedAtMs = this.#arrivedAtMs;
    source.isSure = isPrompt || this.#sinceMs !== undefined || timeMs >= this.#ceilingMs;
    if (!source.isSure) return;
    if (timeMs > source.greatestTimeMs) source.greatestTimeMs = timeMs;
    if (this.#sinceMs !== undefined && timeMs >= this.#floorMs) this.#look();
  }

  /** Works the minimum over the active sources out, as far as all runs see the same one. */
  #look(): void {
    if (this.#arrivedAtMs <= (this.#firstMs as number) + this.#idleMaxMs) return;
    let lowestMs = Number.POSITIVE_INFINITY;
    for (const { isSure, greatestTimeMs, lastArrivedAtMs, idleAfterMs, latenessMs } of this.#sources.values()) {
      if (lastArrivedAtMs + idleAfterMs < this.#arrivedAtMs) continue;
      if (!isSure) return this.#doubt();
      lowestMs = Math.min(lowestMs, greatestTimeMs - latenessMs);
    }
    if (lowestMs === Number.POSITIVE_INFINITY) this.#lookAtNone();
    else this.#agree(lowestMs);
  }

  /** With no active source the watermark follows the greatest lateness of all that were ever known. */
  #lookAtNone(): void {
    if (this.#sinceMs === undefined || !this.#isLatestKnown()) return this.#doubt();
    this.#agree(this.#arrivedAtMs - this.#latenessMaxMs);
  }

  #isLatestKnown(): boolean {
    if (this.declarations.defaults.latenessMs === this.#latenessMaxMs) return true;
    return [...this.#sources.values()].some(({ isSure, latenessMs }) => isSure && latenessMs === this.#latenessMaxMs);
  }

  #doubt(): void {
    this.#toPassMs = undefined;
    this.#sinceMs = undefined;
  }

  #agree(lowestMs: number): void {
    this.#toPassMs ??= this.#ceilingMs;
    if (lowestMs > this.#floorMs) this.#floorMs = lowestMs;
    if (lowestMs >= this.#toPassMs) this.#sinceMs ??= this.#arrivedAtMs;
  }
}

/** {@link WatermarkAgreement} of the live session and of the import that interrupts it. */
export class SessionAgreements {
  readonly #live: WatermarkAgreement;
  /** `whole` where the records hold its beginning. */
  #imported: WatermarkAgreement | 'whole' | undefined;
  #isSingle = true;

  /** @param beginsInImport - true when the first record is in the middle of an import */
  constructor(declarations: SourceDeclarations, beginsInImport: boolean) {
    this.#live = new WatermarkAgreement(declarations);
    this.#imported = beginsInImport ? new WatermarkAgreement(declarations) : undefined;
  }

  /** As {@link WatermarkAgreement.sinceMs}, of the session that is open; `-Infinity` in one that began among these records. */
  get sinceMs(): number | undefined {
    if (this.#imported === 'whole') return Number.NEGATIVE_INFINITY;
    return (this.#imported ?? this.#live).sinceMs;
  }

  /** True while all events were of one session. */
  get isSingle(): boolean {
    return this.#isSingle;
  }

  /** Takes the next event of any session. */
  next(event: LoggedEvent): void {
    const { type } = event.event;
    if (type === SESSION_OPENED || type === SESSION_CLOSED) this.#isSingle = false;
    if (type === SESSION_OPENED) this.#imported = 'whole';
    else if (type === SESSION_CLOSED) this.#imported = undefined;
    else if (this.#imported !== 'whole') (this.#imported ?? this.#live).next(event);
  }
}
