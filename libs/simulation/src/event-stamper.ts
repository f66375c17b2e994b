import type { ProtegoEvent } from '@protego/contracts';
import type { EventDraft, SimulatedSource } from './draft';
import type { SeededRandom } from './random';
import { TimeText } from './time-text';

// Nearly all events arrive within the lateness of 2 s that their sources are declared with; late ones never do.
const USUAL_DELAY_MS = [15, 220] as const;
const SLOW_DELAY_MS = [220, 1450] as const;
const LATE_DELAY_MS = [12_000, 45_000] as const;
const SLOW_SHARE = 0.08;
const LATE_SHARE = 0.001;
const TWICE_SHARE = 0.002;

/** Types whose events may come late; none of them is planted, so that every label stays true. */
const MAY_BE_LATE: ReadonlySet<string> = new Set(['device.telemetry-reported', 'device.network-flow-observed']);

interface Arrival {
  readonly arrivedAtMs: number;
  readonly event: ProtegoEvent;
  readonly isSentTwice: boolean;
}

/** How a run stamps its events. */
export interface StampOptions {
  readonly site: string;
  /** Part of every id; differs between runs that differ. */
  readonly token: string;
  /** Whether events are delayed, sent twice or come late. */
  readonly disorder: boolean;
  readonly random: SeededRandom;
}

/** Gives drafts their ids and arrival times, and hands them out in arrival order. */
export class EventStamper {
  readonly #counts = new Map<SimulatedSource | 'label', number>();
  readonly #timeText = new TimeText();
  /** Ids of stamped drafts, for the labels; an entry goes with its draft. */
  readonly #ids = new WeakMap<EventDraft, string>();
  /** What has not arrived yet: bounded by the events of a slot and of the longest delay before it. */
  #pending: Arrival[] = [];

  constructor(private readonly options: StampOptions) {}

  /** Stamps the next draft; drafts come in event time. */
  stamp(draft: EventDraft): void {
    const { site, random } = this.options;
    const arrivedAtMs = draft.timeMs + this.#delayOf(draft);
    const id = this.#nextId(draft.source);
    const event: ProtegoEvent = {
      specversion: '1.0',
      id,
      source: draft.source,
      type: draft.type,
      time: this.#timeText.of(draft.timeMs),
      ...(draft.subject === undefined ? {} : { subject: draft.subject }),
      site,
      arrivedat: this.#timeText.of(arrivedAtMs),
      data: draft.data,
    };
    this.#ids.set(draft, id);
    const isSentTwice = this.#isDisordered(draft) && random.chance(TWICE_SHARE);
    this.#pending.push({ arrivedAtMs, event, isSentTwice });
  }

  /** Hands out what arrives before a time, milliseconds since the Unix epoch, in the order of arrival. */
  *arrivedBefore(timeMs: number): Generator<ProtegoEvent, undefined, undefined> {
    // The sort is stable, so what arrives in the same millisecond keeps the order of event time.
    const pending = this.#pending.sort((a, b) => a.arrivedAtMs - b.arrivedAtMs);
    const firstLeft = pending.findIndex(({ arrivedAtMs }) => arrivedAtMs >= timeMs);
    this.#pending = firstLeft < 0 ? [] : pending.slice(firstLeft);
    const count = pending.length - this.#pending.length;
    for (let i = 0; i < count; i++) {
      const { event, isSentTwice } = pending[i] as Arrival;
      yield event;
      // The copy is the same to the last byte, arrival included: with another content it would be a conflict of ids.
      if (isSentTwice) yield event;
    }
    return undefined;
  }

  /** The id that a stamped draft was given. */
  idOf(draft: EventDraft): string {
    return this.#ids.get(draft) as string;
  }

  /** Next id of a label. */
  labelId(name: string): string {
    return `${this.#nextId('label')}-${name}`;
  }

  #nextId(series: SimulatedSource | 'label'): string {
    const count = (this.#counts.get(series) ?? 0) + 1;
    this.#counts.set(series, count);
    return `${this.options.token}-${String(count).padStart(7, '0')}`;
  }

  #isDisordered(draft: EventDraft): boolean {
    return this.options.disorder && draft.source !== 'simulation-clock';
  }

  #delayOf(draft: EventDraft): number {
    if (!this.#isDisordered(draft)) return 0;
    const { random } = this.options;
    if (MAY_BE_LATE.has(draft.type) && random.chance(LATE_SHARE)) return random.integer(...LATE_DELAY_MS);
    const [fromMs, toMs] = random.chance(SLOW_SHARE) ? SLOW_DELAY_MS : USUAL_DELAY_MS;
    return random.integer(fromMs, toMs);
  }
}
