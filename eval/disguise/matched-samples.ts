import type { ProtegoEvent } from '@protego/contracts';
import { simulateHospital, type Simulation, type SimulationLabel } from '@protego/simulation';
import type { RunPlan } from '../run-plan';
import { drawOf } from '../seeds';
import { RunContext } from './run-context';
import { surfaceFeatures } from './surface-features';

/**
 * What has to agree between an event of an attack and the benign one that it is matched with: its type, or also what class of
 * people, devices and places it is about.
 */
export const MATCHINGS = ['class', 'type'] as const;
/** One of {@link MATCHINGS}. */
export type Matching = (typeof MATCHINGS)[number];

/** One event as a classifier sees it. */
export interface Sample {
  readonly isAttack: boolean;
  readonly type: string;
  /** The attack that it is part of, or whose event it is matched with. */
  readonly label: string;
  readonly attack: string;
  /** Places in the vocabulary. */
  readonly features: Uint32Array;
}

/** Samples of one simulation, in pairs: an event of an attack, and a benign one of the same kind. Plain data. */
export interface SampleSet {
  /** Features by place. */
  readonly vocabulary: readonly string[];
  readonly pairs: Readonly<Record<Matching, readonly Sample[]>>;
  /** Events of attacks by type for which there was no benign event of the same class. */
  readonly unmatched: Readonly<Record<string, number>>;
}

/** Changes events of attacks, to see whether that is noticed. */
export type GiveAway = (event: ProtegoEvent) => ProtegoEvent;

/** Events of one attack that are looked at. */
const EVENTS_PER_LABEL_MAX = 24;
/** Benign events nearest in time of which one is taken. */
const NEAREST_COUNT = 16;

/** What is known of a simulation that was read to its end. */
export interface ReadSimulation {
  /** Each once, in arrival order. */
  readonly events: readonly ProtegoEvent[];
  readonly labels: readonly SimulationLabel[];
  readonly hospital: Pick<Simulation['hospital'], 'devices' | 'partners'>;
}

/** Simulates a history and takes samples of it; all its events are held until the end. */
export function readSamples(
  { scenario, seed, days, settings }: RunPlan,
  onProgress?: (eventCount: number) => void,
  giveAway?: GiveAway,
): SampleSet {
  const simulation = simulateHospital({ scenario, seed, days, settings });
  const events = [...new Map([...simulation.events].map((event) => [keyOf(event), event])).values()];
  onProgress?.(events.length);
  return samplesOf({ events, labels: simulation.labels(), hospital: simulation.hospital }, giveAway);
}

/**
 * Pairs events of attacks with benign ones of the same kind from about the same time. Benign are events of ordinary life and of
 * benign twins.
 */
export function samplesOf(simulation: ReadSimulation, giveAway: GiveAway = (event) => event): SampleSet {
  return new SampleReader(simulation, giveAway).read();
}

class SampleReader {
  readonly #attacks: readonly SimulationLabel[];
  readonly #placeOf: ReadonlyMap<string, number>;
  readonly #events: readonly ProtegoEvent[];
  readonly #context: RunContext;
  readonly #benign: Readonly<Record<Matching, BenignEvents>>;
  readonly #vocabulary = new Map<string, number>();

  constructor({ events, labels, hospital }: ReadSimulation, giveAway: GiveAway) {
    this.#attacks = labels.filter(({ kind }) => kind === 'attack');
    this.#placeOf = new Map(events.map((event, at) => [keyOf(event), at]));
    const planted = new Set(this.#attacks.flatMap(({ eventIds }) => eventIds.map(keyOf)));
    const isPlanted = events.map((event) => planted.has(keyOf(event)));
    this.#events = events.map((event, at) => (isPlanted[at] === true ? giveAway(event) : event));
    this.#context = new RunContext(this.#events);
    const classOf = classesOf(hospital);
    this.#benign = {
      class: new BenignEvents((event) => classKindOf(event, classOf)),
      type: new BenignEvents(({ type }) => type),
    };
    this.#events.forEach((event, at) => {
      if (isPlanted[at] !== true) for (const matching of MATCHINGS) this.#benign[matching].add(event, at);
    });
  }

  read(): SampleSet {
    const pairs: Record<Matching, Sample[]> = { class: [], type: [] };
    const unmatched: Record<string, number> = {};
    for (const label of this.#attacks)
      for (const key of spread(label.eventIds, EVENTS_PER_LABEL_MAX).map(keyOf)) {
        const at = this.#placeOf.get(key);
        if (at === undefined) continue;
        const event = this.#events[at] as ProtegoEvent;
        for (const matching of MATCHINGS) {
          const peer = this.#benign[matching].peerOf(event, at, key);
          if (peer !== undefined) pairs[matching].push(this.#sample(at, true, label), this.#sample(peer, false, label));
          else if (matching === 'class') unmatched[event.type] = (unmatched[event.type] ?? 0) + 1;
        }
      }
    return { vocabulary: [...this.#vocabulary.keys()], pairs, unmatched };
  }

  #sample(at: number, isAttack: boolean, { id, attack }: SimulationLabel): Sample {
    const event = this.#events[at] as ProtegoEvent;
    const features = surfaceFeatures(event, this.#context.at(at));
    return {
      isAttack,
      type: event.type,
      label: id,
      attack,
      features: Uint32Array.from(features, (each) => this.#slotOf(each)),
    };
  }

  #slotOf(feature: string): number {
    const known = this.#vocabulary.get(feature);
    if (known !== undefined) return known;
    this.#vocabulary.set(feature, this.#vocabulary.size);
    return this.#vocabulary.size - 1;
  }
}

/** Benign events by kind, in their order. */
class BenignEvents {
  readonly #byKind = new Map<string, number[]>();

  constructor(private readonly kindOf: (event: ProtegoEvent) => string) {}

  add(event: ProtegoEvent, at: number): void {
    const kind = this.kindOf(event);
    const known = this.#byKind.get(kind);
    if (known === undefined) this.#byKind.set(kind, [at]);
    else known.push(at);
  }

  /** One of the nearest benign events of the same kind; which one hangs on the key. */
  peerOf(event: ProtegoEvent, at: number, key: string): number | undefined {
    const places = this.#byKind.get(this.kindOf(event));
    if (places === undefined) return undefined;
    const nearest = lowerBound(places, at);
    const from = Math.max(0, Math.min(nearest - NEAREST_COUNT / 2, places.length - NEAREST_COUNT));
    const near = places.slice(from, from + NEAREST_COUNT);
    return near[Math.floor(drawOf(at, key) * near.length)];
  }
}

type ClassOf = ReadonlyMap<string, string>;

/** Class of every device, and kind of every partner, by uid. */
function classesOf(hospital: ReadSimulation['hospital']): ClassOf {
  return new Map([
    ...hospital.devices.map(({ view }) => [view.uid, view.type] as const),
    ...hospital.partners.map(({ view, kind }) => [view.uid, kind] as const),
  ]);
}

// What somebody is, where something stands, what was said, whether a patient has a ward and whether anybody asked are behaviour: they
// must not help to tell names apart.
const TEXTS = [
  ...['user.role', 'actor.user.role', 'device.type', 'service.name', 'status_detail', 'application'],
  ...['src_endpoint.zone', 'src_endpoint.location.country', 'dst_endpoint.zone', 'dst_endpoint.location.country'],
];
const CLASSES = ['src_endpoint.hostname', 'dst_endpoint.hostname', 'partner.uid'];

function classKindOf({ type, data }: ProtegoEvent, classOf: ClassOf): string {
  const text = (path: string): string => textAt(data, path) ?? '';
  const { patient, request } = data as { readonly patient?: { readonly ward?: string }; readonly request?: object };
  return [
    type,
    patient?.ward !== undefined,
    request !== undefined,
    ...TEXTS.map(text),
    ...CLASSES.map((path) => classOf.get(text(path)) ?? ''),
  ].join('|');
}

function textAt(data: unknown, path: string): string | undefined {
  const value = path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], data);
  return typeof value === 'string' ? value : undefined;
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
