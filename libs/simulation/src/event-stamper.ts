import type { ProtegoEvent } from '@protego/contracts';
import type { EventDraft } from './draft';
import { SeededRandom } from './random';
import { TimeText } from './time-text';

// Nearly all events arrive within the lateness of 2 s that their sources are declared with; late ones never do.
const USUAL_DELAY_MS = [15, 220] as const;
const SLOW_DELAY_MS = [220, 1450] as const;
const LATE_DELAY_MS = [12_000, 45_000] as const;
const SLOW_SHARE = 0.08;
const LATE_SHARE = 0.001;
const TWICE_SHARE = 0.002;

/** What may come late, or not at all. */
const MAY_BE_LATE: ReadonlySet<string> = new Set(['device.telemetry-reported', 'device.network-flow-observed']);
/** Sources that pass on the time of the device itself, whose clock may be wrong. */
const DEVICE_CLOCKS: ReadonlySet<string> = new Set(['biomed-gateway', 'host-agents']);

/** An event, and when it arrives; milliseconds since the Unix epoch. */
export interface Arrival {
  readonly arrivedAtMs: number;
  readonly event: ProtegoEvent;
}

/** A draft on its way to an event. */
export interface DraftToStamp {
  readonly draft: EventDraft;
  /** Key of the activity that it is part of; undefined for ordinary life. */
  readonly activity: string | undefined;
}

/** How a run stamps its events. */
export interface StampOptions {
  readonly seed: number;
  readonly site: string;
  /** Part of every id; differs between runs that differ. */
  readonly token: string;
  /** Whether events are delayed, sent twice, come late or not at all. */
  readonly disorder: boolean;
  readonly missingShare: number;
  readonly clockDriftMsMax: number;
}

/**
 * Gives the drafts of a slice their ids and arrival times. What it does is a function of the slice alone, so that each slice can
 * be stamped without those before it.
 */
export class EventStamper {
  readonly #timeText = new TimeText();
  readonly #arrivalText = new TimeText();
  /** By device, milliseconds; as many as the hospital has devices. */
  readonly #driftMs = new Map<string, number>();

  constructor(private readonly options: StampOptions) {}

  /**
   * Stamps the drafts of one slice, which are in event time.
   *
   * @param onPlanted - told of each event that is part of an activity
   */
  stamp(
    slice: number,
    drafts: readonly DraftToStamp[],
    onPlanted: (activity: string, event: ProtegoEvent) => void,
  ): Arrival[] {
    const { seed, token, disorder } = this.options;
    const random = SeededRandom.ofStream(seed, `network/${slice}`);
    const prefix = `${token}-${slice.toString(36).padStart(5, '0')}-`;
    const arrivals: Arrival[] = [];
    for (const [index, { draft, activity }] of drafts.entries()) {
      const isDisordered = disorder && draft.source !== 'simulation-clock';
      if (isDisordered && activity === undefined && this.#isLost(draft, random)) continue;
      const arrivedAtMs = draft.timeMs + (isDisordered ? delayOf(draft, activity, random) : 0);
      const event = this.#event(draft, prefix + index.toString(36).padStart(4, '0'), arrivedAtMs);
      arrivals.push({ arrivedAtMs, event });
      // The copy is the same to the last byte, arrival included: with another content it would be a conflict of ids.
      if (isDisordered && random.chance(TWICE_SHARE)) arrivals.push({ arrivedAtMs, event });
      if (activity !== undefined) onPlanted(activity, event);
    }
    return arrivals;
  }

  #event({ source, type, subject, data, timeMs }: EventDraft, id: string, arrivedAtMs: number): ProtegoEvent {
    const isOwnClock = this.options.disorder && subject !== undefined && DEVICE_CLOCKS.has(source);
    const time = this.#timeText.of(isOwnClock ? timeMs + this.#driftOf(subject) : timeMs);
    const arrivedat = this.#arrivalText.of(arrivedAtMs);
    const { site } = this.options;
    // Written out: a spread for each event costs more than all the rest.
    return subject === undefined
      ? { specversion: '1.0', id, source, type, time, site, arrivedat, data }
      : { specversion: '1.0', id, source, type, time, subject, site, arrivedat, data };
  }

  #isLost(draft: EventDraft, random: SeededRandom): boolean {
    const { missingShare } = this.options;
    return missingShare > 0 && MAY_BE_LATE.has(draft.type) && random.chance(missingShare);
  }

  #driftOf(device: string): number {
    const known = this.#driftMs.get(device);
    if (known !== undefined) return known;
    const { seed, clockDriftMsMax } = this.options;
    const driftMs = SeededRandom.ofStream(seed, `drift/${device}`).integer(-clockDriftMsMax, clockDriftMsMax);
    this.#driftMs.set(device, driftMs);
    return driftMs;
  }
}

// No planted event comes late, so that every label stays true.
function delayOf(draft: EventDraft, activity: string | undefined, random: SeededRandom): number {
  if (activity === undefined && MAY_BE_LATE.has(draft.type) && random.chance(LATE_SHARE))
    return random.integer(...LATE_DELAY_MS);
  const [fromMs, toMs] = random.chance(SLOW_SHARE) ? SLOW_DELAY_MS : USUAL_DELAY_MS;
  return random.integer(fromMs, toMs);
}
