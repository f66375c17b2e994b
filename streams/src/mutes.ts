import {
  MUTE_ALIASES_MAX,
  MUTE_MS_MAX,
  parseRfc3339Ms,
  type Detection,
  type DetectionMute,
  type DetectionUnmute,
  type LoggedEvent,
} from '@protego/contracts';
import type { Json, StateStore } from './operators/stream-element';
import type { DetectionResult, PipelineResult } from './result';

/** Most mutes and acknowledgements that are kept; the one that ends first leaves, and is counted. */
export const MUTES_MAX = 10_000;

/** `ignored`: every detection is raised, as if nobody had muted or acknowledged anything. */
export type MuteOption = 'honoured' | 'ignored';

const MUTED = 'detection.muted';
const ACKNOWLEDGED = 'detection.acknowledged';
const UNMUTED = 'detection.unmuted';
const TYPES: ReadonlySet<string> = new Set([MUTED, ACKNOWLEDGED, UNMUTED]);

/** True for the types that say which detections are muted or acknowledged. */
export function isMuteType(type: string): boolean {
  return TYPES.has(type);
}

interface Mute {
  readonly status: Detection['status'];
  /** What it chooses: each is a rule, an entity, or both, as {@link keyOf} writes them. */
  readonly keys: readonly string[];
  /** Half-open `[fromMs, untilMs)` in event time. */
  readonly fromMs: number;
  readonly untilMs: number;
}

/**
 * The mutes and acknowledgements of a log, and what they make of detections. They change the status of a detection and
 * nothing else: no window, watermark or pipeline time hangs on them.
 *
 * A mute counts for what became certain more than `skewMaxMs` after it. What is certain at a time T rests on an event that
 * came when pipeline time was at least T - `skewMaxMs`, be it on time or late: so it came after the mute, in whichever order
 * events arrived. Of a skewed event that cannot be said; what it brings about is never muted.
 */
export class MuteBook implements StateStore {
  /** By id of the event that began it, in the order of the log. */
  readonly #mutes = new Map<string, Mute>();
  readonly #byKey = new Map<string, Set<Mute>>();
  #evictedCount = 0;
  #evictedInForceCount = 0;

  constructor(
    /** How far ahead of pipeline time an event may claim to be, milliseconds. */
    private readonly skewMaxMs: number,
    private readonly mutesMax: number = MUTES_MAX,
  ) {}

  /** Takes note of an event of one of the {@link isMuteType} types. */
  learn({ event, timeMs, arrivedAtMs }: LoggedEvent): void {
    const madeMs = Math.max(timeMs, arrivedAtMs);
    if (event.type === UNMUTED) this.#end((event.data as unknown as DetectionUnmute).mute, madeMs);
    else this.#begin(event.id, event.type, event.data as unknown as DetectionMute, madeMs);
  }

  /** The result as it is told: a detection that is muted, or that somebody looks into, says so. */
  judge(result: PipelineResult): PipelineResult {
    if (this.#mutes.size === 0 || result.kind !== 'detection' || result.detection.timing === 'skewed') return result;
    const status = this.#statusOf(result);
    return status === 'raised' ? result : { ...result, detection: { ...result.detection, status } };
  }

  /** What is held and was evicted; in force are those that had not ended when they left. */
  counters(): Record<string, number> {
    return {
      mutes: this.#mutes.size,
      mutesEvicted: this.#evictedCount,
      mutesEvictedInForce: this.#evictedInForceCount,
    };
  }

  snapshot(): Json {
    return {
      evictedCount: this.#evictedCount,
      evictedInForceCount: this.#evictedInForceCount,
      mutes: [...this.#mutes].map(([id, { status, keys, fromMs, untilMs }]) => [id, status, fromMs, untilMs, keys]),
    };
  }

  restore(state: Json): void {
    const { evictedCount, evictedInForceCount, mutes } = state as {
      evictedCount: number;
      evictedInForceCount: number;
      mutes: [string, Detection['status'], number, number, string[]][];
    };
    this.#mutes.clear();
    this.#byKey.clear();
    this.#evictedCount = evictedCount;
    this.#evictedInForceCount = evictedInForceCount;
    for (const [id, status, fromMs, untilMs, keys] of mutes) this.#put(id, { status, keys, fromMs, untilMs });
  }

  #begin(id: string, type: string, data: DetectionMute, madeMs: number): void {
    const fromMs = madeMs + this.skewMaxMs + 1;
    const untilMs = Math.min(parseRfc3339Ms(data.expiresAt) ?? fromMs, madeMs + MUTE_MS_MAX);
    const keys = keysOf(data);
    if (this.#mutes.has(id) || untilMs <= fromMs || keys.length === 0) return;
    this.#put(id, { status: type === MUTED ? 'muted' : 'updated', keys, fromMs, untilMs });
    while (this.#mutes.size > this.mutesMax) this.#evict(madeMs);
  }

  #end(id: string, madeMs: number): void {
    const mute = this.#mutes.get(id);
    const untilMs = madeMs + this.skewMaxMs + 1;
    if (mute === undefined || untilMs >= mute.untilMs) return;
    const shortened = { ...mute, untilMs };
    this.#unlink(mute);
    // In its old place: what is kept must not depend on whether a snapshot was read back in between.
    this.#mutes.set(id, shortened);
    this.#link(shortened);
  }

  #statusOf({ detection, certainAtMs }: DetectionResult): Detection['status'] {
    let status: Detection['status'] = 'raised';
    for (const key of keysAbout(detection)) {
      for (const mute of this.#byKey.get(key) ?? []) {
        if (certainAtMs < mute.fromMs || certainAtMs >= mute.untilMs) continue;
        if (mute.status === 'muted') return 'muted';
        status = mute.status;
      }
    }
    return status;
  }

  #put(id: string, mute: Mute): void {
    this.#mutes.set(id, mute);
    this.#link(mute);
  }

  // Whoever mutes is a person: the whole book is small enough to be looked through.
  #evict(nowMs: number): void {
    let first: [string, Mute] | undefined;
    for (const entry of this.#mutes) if (first === undefined || entry[1].untilMs < first[1].untilMs) first = entry;
    if (first === undefined) return;
    const [id, mute] = first;
    this.#mutes.delete(id);
    this.#unlink(mute);
    this.#evictedCount++;
    if (mute.untilMs > nowMs) this.#evictedInForceCount++;
  }

  #link(mute: Mute): void {
    for (const key of mute.keys) {
      const known = this.#byKey.get(key);
      if (known === undefined) this.#byKey.set(key, new Set([mute]));
      else known.add(mute);
    }
  }

  #unlink(mute: Mute): void {
    for (const key of mute.keys) {
      const known = this.#byKey.get(key);
      known?.delete(mute);
      if (known?.size === 0) this.#byKey.delete(key);
    }
  }
}

function keysOf({ rule, entity }: DetectionMute): string[] {
  if (entity === undefined) return rule === undefined ? [] : [keyOf(rule)];
  const ids = new Set([entity.id, ...(entity.aliases ?? []).slice(0, MUTE_ALIASES_MAX)]);
  return [...ids].map((id) => keyOf(rule, entity.kind, id));
}

/** Everything by which a detection can be chosen. */
function* keysAbout({ ruleId, entities }: Detection): IterableIterator<string> {
  yield keyOf(ruleId);
  for (const { kind, id } of entities) {
    yield keyOf(undefined, kind, id);
    yield keyOf(ruleId, kind, id);
  }
}

function keyOf(rule?: string, kind?: string, id?: string): string {
  return JSON.stringify([rule ?? null, kind ?? null, id ?? null]);
}
