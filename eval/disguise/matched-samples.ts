import type { ProtegoEvent } from '@protego/contracts';
import type { Simulation, SimulationLabel } from '@protego/simulation';
import { drawOf } from '../seeds';
import { surfaceFeatures, surfaceOf, type SurfaceContext } from './surface-features';

/** One event as a classifier sees it. */
export interface Sample {
  readonly isAttack: boolean;
  readonly type: string;
  /** The attack that it is part of, or whose event it is matched with. */
  readonly label: string;
  readonly attack: string;
  readonly features: readonly string[];
}

/** Samples of one simulation. */
export interface SampleSet {
  /** In pairs: an event of an attack, and a benign one of the same kind. */
  readonly samples: readonly Sample[];
  /** Events of attacks by type, for which there was no benign event of the same kind. */
  readonly unmatched: ReadonlyMap<string, number>;
}

/** What has to agree between an event of an attack and the benign one that it is matched with. */
export type Matching = 'type' | 'class';

/** How samples are taken. */
export interface SampleOptions {
  readonly matching: Matching;
  /** Changes events of attacks, to see whether that is noticed. */
  readonly giveAway?: (event: ProtegoEvent) => ProtegoEvent;
}

/** Events of one attack that are looked at. */
const EVENTS_PER_LABEL_MAX = 24;
/** Benign events nearest in time of which one is taken. */
const NEAREST_COUNT = 16;

/**
 * Reads a simulation to its end and pairs events of attacks with benign ones: of the same type, about the same classes of people
 * and devices, from about the same time. Benign are events of ordinary life and of benign twins. All events are held.
 */
export function matchedSamples(simulation: Simulation, options: SampleOptions): SampleSet {
  const events = [...new Map([...simulation.events].map((event) => [keyOf(event), event])).values()];
  const attacks = simulation.labels().filter(({ kind }) => kind === 'attack');
  const attackKeys = new Set(attacks.flatMap(({ eventIds }) => eventIds.map(keyOf)));
  const { giveAway = (event: ProtegoEvent) => event } = options;
  const seen = events.map((event) => (attackKeys.has(keyOf(event)) ? giveAway(event) : event));
  const context = new RunContext(seen);
  const strata = new Strata(simulation, options.matching);
  seen.forEach((event, at) => {
    if (!attackKeys.has(keyOf(events[at] as ProtegoEvent))) strata.add(event, at);
  });
  const places = new Map(events.map((event, at) => [keyOf(event), at]));
  const samples: Sample[] = [];
  const unmatched = new Map<string, number>();
  const sampleOf = (at: number, isAttack: boolean, { id, attack }: SimulationLabel): Sample => {
    const event = seen[at] as ProtegoEvent;
    return { isAttack, type: event.type, label: id, attack, features: surfaceFeatures(event, context.at(at)) };
  };
  for (const label of attacks)
    for (const key of spread(label.eventIds, EVENTS_PER_LABEL_MAX).map(keyOf)) {
      const at = places.get(key);
      if (at === undefined) continue;
      const { type } = seen[at] as ProtegoEvent;
      const peer = strata.peerOf(seen[at] as ProtegoEvent, at, key);
      if (peer === undefined) unmatched.set(type, (unmatched.get(type) ?? 0) + 1);
      else samples.push(sampleOf(at, true, label), sampleOf(peer, false, label));
    }
  return { samples, unmatched };
}

/** Benign events by kind, in their order. */
class Strata {
  readonly #byKind = new Map<string, number[]>();
  readonly #classOf: ReadonlyMap<string, string>;
  readonly #matching: Matching;

  constructor({ hospital }: Simulation, matching: Matching) {
    this.#matching = matching;
    this.#classOf = new Map([
      ...hospital.devices.map(({ view }) => [view.uid, view.type] as const),
      ...hospital.partners.map(({ view, kind }) => [view.uid, kind] as const),
    ]);
  }

  add(event: ProtegoEvent, at: number): void {
    const kind = this.#kindOf(event);
    const known = this.#byKind.get(kind);
    if (known === undefined) this.#byKind.set(kind, [at]);
    else known.push(at);
  }

  /** One of the nearest benign events of the same kind; which one hangs on the key. */
  peerOf(event: ProtegoEvent, at: number, key: string): number | undefined {
    const places = this.#byKind.get(this.#kindOf(event));
    if (places === undefined) return undefined;
    const nearest = lowerBound(places, at);
    const from = Math.max(0, Math.min(nearest - NEAREST_COUNT / 2, places.length - NEAREST_COUNT));
    const near = places.slice(from, from + NEAREST_COUNT);
    return near[Math.floor(drawOf(at, key) * near.length)];
  }

  #kindOf({ type, data }: ProtegoEvent): string {
    if (this.#matching === 'type') return type;
    const text = (path: string): string => textAt(data, path) ?? '';
    const classAt = (path: string): string => this.#classOf.get(text(path)) ?? '';
    return [
      type,
      ...['user.role', 'actor.user.role', 'device.type', 'service.name', 'status_detail'].map(text),
      ...['src_endpoint.zone', 'src_endpoint.location.country'].map(text),
      ...['dst_endpoint.zone', 'dst_endpoint.location.country', 'application'].map(text),
      ...['src_endpoint.hostname', 'dst_endpoint.hostname', 'partner.uid'].map(classAt),
    ].join('|');
  }
}

function textAt(data: unknown, path: string): string | undefined {
  const value = path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], data);
  return typeof value === 'string' ? value : undefined;
}

/** How the events of a simulation stand to each other. */
class RunContext {
  readonly #counts = new Map<string, number>();
  readonly #gaps: (readonly [number, number])[];

  constructor(events: readonly ProtegoEvent[]) {
    for (const event of events)
      for (const [path, value] of surfaceOf(event).values) {
        const key = `${path} ${value}`;
        this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
      }
    this.#gaps = idGapsOf(events);
  }

  at(place: number): SurfaceContext {
    return {
      countOf: (path, value) => this.#counts.get(`${path} ${value}`) ?? 0,
      idGaps: this.#gaps[place] ?? [0, 0],
    };
  }
}

/** For each event how far its number is from those of its neighbours of the same source, by event time. */
function idGapsOf(events: readonly ProtegoEvent[]): (readonly [number, number])[] {
  const gaps: [number, number][] = events.map(() => [0, 0]);
  const last = new Map<string, number>();
  const inTime = events.map((_, at) => at).sort((a, b) => (timeOf(events, a) < timeOf(events, b) ? -1 : 1));
  for (const at of inTime) {
    const { source, id } = events[at] as ProtegoEvent;
    const before = last.get(source);
    last.set(source, at);
    if (before === undefined) continue;
    const gap = Math.abs(numberOf(id) - numberOf((events[before] as ProtegoEvent).id));
    (gaps[at] as [number, number])[0] = gap;
    (gaps[before] as [number, number])[1] = gap;
  }
  return gaps;
}

const timeOf = (events: readonly ProtegoEvent[], at: number): string => (events[at] as ProtegoEvent).time;

/** The number at the end of an id, which may be written with letters as digits. */
function numberOf(id: string): number {
  return Number.parseInt(/[0-9a-z]{1,10}$/i.exec(id)?.[0] ?? '0', 36);
}

/** Items spread evenly over a list. */
function spread<T>(items: readonly T[], countMax: number): T[] {
  if (items.length <= countMax) return [...items];
  return Array.from({ length: countMax }, (_, n) => items[Math.floor((n * items.length) / countMax)] as T);
}

/** First place in an ascending list that is not less than a number. */
function lowerBound(ascending: readonly number[], value: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

const keyOf = ({ source, id }: { readonly source: string; readonly id: string }): string => `${source}\n${id}`;
