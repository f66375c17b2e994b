import { canonicalJson } from '@protego/contracts';
import { DeadlineStore } from '../operators/deadline-store';
import { orderedOperator } from '../operators/event-time-operator';
import { KeyedStore } from '../operators/keyed-store';
import type { Json, StateStore } from '../operators/stream-element';
import type { DetectionResult } from '../result';
import type { EventRef } from '../sigma/correlation-window';
import {
  detectionBy,
  detectorRule,
  refOf,
  runOver,
  type Detector,
  type DetectorRun,
  type Observation,
} from './detector';
import type { FlowFact } from './facts';
import { aboutWords } from './span-words';

const PARAMETERS = {
  /** Intervals between contacts that are looked at together. */
  intervalCount: 24,
  /** How many of them must lie near their median. */
  regularMin: 22,
  /** How near: this share of the median above or below it, both less the time in which no other contact can begin. */
  nearShare: 0.5,
  /** Contacts that follow each other faster are work, slower ones too few to tell. */
  medianMsMin: 10_000,
  intervalMsMax: 4 * 3_600_000,
  /** Connections closer to the contact before are part of it. */
  contactMs: 5_000,
  /** The same device and destination are not told again within this time. */
  quietMs: 24 * 3_600_000,
  /** Names and time are asked for regularly by every device. */
  portsLeftOut: [53, 123, 853],
  /** A destination that so many devices of the house reached within this time belongs to its everyday work, … */
  clientsMin: 3,
  clientMs: 7 * 24 * 3_600_000,
  /** … once it has been known for so long, or since the first of so many hours: a new one may be in many hands at once. */
  knownMs: 24 * 3_600_000,
  pairsMax: 50_000,
  destinationsMax: 20_000,
  clientsKept: 8,
};

type Pair = readonly [from: string, to: string, port: number | null];

/** Contacts of one device with one destination, oldest first. */
interface Contacts {
  readonly pair: Pair;
  readonly timesMs: number[];
  readonly refs: EventRef[];
  raisedMs: number | null;
}

/** A destination: since when it is known, and who reached it when last, longest ago first. */
interface Destination {
  firstMs: number;
  readonly clients: Map<string, number>;
}

/**
 * A device that reaches a place outside the house at regular intervals, as malware asks its operators for orders. Of the last
 * intervals nine in ten must lie near their median: sleep times with a jitter of half their length do, while contacts that
 * come by chance lie that close in one of three cases. Programs of makers are as regular, but several devices have them; so a
 * destination that several devices of the house know, and not only since yesterday, is not told of.
 */
export const BEACONING: Detector<'flow'> = {
  rule: detectorRule({
    id: 'beaconing',
    version: 2,
    parameters: PARAMETERS,
    title: 'A device reports to a place outside at regular intervals',
    level: 'medium',
    attack: ['command-and-control', 'T1071', 'T1573'],
    wording: {
      confidence: 'low',
      why: '{from} reached {to} {count} times, about every {interval}, as a harmful program does that waits for orders. Hardly any other device here knows this place. Such a program can stay quiet for weeks and then stop the device or the computers of the ward.',
      nextStep:
        'Ask the IT service desk today which program on {from} talks to {to}, and whether its maker says that it should. Until they know, leave {from} as it is.',
      harmlessExplanation:
        'A program of the maker that looks for updates, sends readings or keeps a line open. The IT service desk can ask the maker.',
      entities: [
        { kind: 'device', field: 'from' },
        { kind: 'address', field: 'to' },
      ],
    },
  }),
  kinds: ['flow'],
  isWanted: ({ leavesHouse, toPort }) => leavesHouse && (toPort === null || !PARAMETERS.portsLeftOut.includes(toPort)),
  begin,
};

type Pairs = DeadlineStore<Contacts>;

function newPairs(): Pairs {
  return new DeadlineStore<Contacts>(
    {
      deadlineOf: ({ timesMs, raisedMs }) =>
        Math.max((timesMs.at(-1) as number) + PARAMETERS.intervalMsMax, (raisedMs ?? 0) + PARAMETERS.quietMs),
      entryCountOf: ({ timesMs }) => timesMs.length,
      toJson: ({ pair, timesMs, refs, raisedMs }) => [pair, [...timesMs], [...refs], raisedMs],
      fromJson: (json) => {
        const [pair, timesMs, refs, raisedMs] = json as unknown as [Pair, number[], EventRef[], number | null];
        return { pair, timesMs: [...timesMs], refs: [...refs], raisedMs };
      },
    },
    { keysMax: PARAMETERS.pairsMax, entriesMax: PARAMETERS.pairsMax * (PARAMETERS.intervalCount + 1) },
  );
}

/** State of the detector: contacts of pairs, and who knows which destination. */
class KnownContacts implements StateStore {
  readonly pairs = newPairs();
  readonly #destinations = new KeyedStore<Destination>(PARAMETERS.destinationsMax, {
    toJson: ({ firstMs, clients }) => [firstMs, [...clients]],
    fromJson: (json) => {
      const [firstMs, clients] = json as unknown as [number, [string, number][]];
      return { firstMs, clients: new Map(clients) };
    },
  });
  /** When the first connection was seen. */
  #beginMs: number | null = null;

  /** Takes note of a contact; true where its destination belongs to the everyday work of the house. */
  isEveryday({ from, to }: FlowFact, timeMs: number): boolean {
    const { clientsMin, clientMs, clientsKept, knownMs } = PARAMETERS;
    this.#beginMs ??= timeMs;
    const { firstMs, clients } = this.#destinations.touch(to, () => ({ firstMs: timeMs, clients: new Map() }));
    clients.delete(from);
    if (clients.size >= clientsKept) clients.delete(clients.keys().next().value as string);
    clients.set(from, timeMs);
    if (timeMs - firstMs < knownMs && firstMs - this.#beginMs >= knownMs) return false;
    return [...clients.values()].filter((lastMs) => timeMs - lastMs < clientMs).length >= clientsMin;
  }

  counters(): Record<string, number> {
    const { size, evictedCount } = this.#destinations;
    const own = { beaconingDestinations: size, beaconingDestinationsEvicted: evictedCount };
    return { ...this.pairs.counters('beaconing'), ...own };
  }

  snapshot(): Json {
    const { pairs } = this;
    return { pairs: pairs.snapshot(), destinations: this.#destinations.snapshot(), beginMs: this.#beginMs };
  }

  restore(state: Json): void {
    const { pairs, destinations, beginMs } = state as { pairs: Json; destinations: Json; beginMs: number | null };
    this.pairs.restore(pairs);
    this.#destinations.restore(destinations);
    this.#beginMs = beginMs;
  }
}

function begin(): DetectorRun<FlowFact> {
  const known = new KnownContacts();
  const { pairs } = known;
  return runOver(known, {
    counters: () => known.counters(),
    detections: orderedOperator((out) => ({
      event: (observation, timeMs) => {
        const isEveryday = known.isEveryday(observation.fact, timeMs);
        const contacts = withContact(pairs, observation, timeMs);
        const medianMs = contacts && regularIntervalMs(contacts.timesMs);
        if (isEveryday || contacts === undefined || medianMs === undefined) return;
        if (contacts.raisedMs !== null && timeMs - contacts.raisedMs < PARAMETERS.quietMs) return;
        contacts.raisedMs = timeMs;
        out.next(detectionOf(contacts, medianMs));
      },
      advance: (nowMs) => pairs.forgetDue(nowMs),
    })),
  });
}

/** Contacts of the pair with this one added; undefined where it belongs to the one before. */
function withContact(pairs: Pairs, observation: Observation<FlowFact>, timeMs: number): Contacts | undefined {
  const { from, to, toPort } = observation.fact;
  const pair: Pair = [from, to, toPort];
  const cell = pairs.touch(canonicalJson(pair), () => ({ pair, timesMs: [], refs: [], raisedMs: null }));
  const { timesMs, refs } = cell.value;
  const sinceMs = timeMs - (timesMs.at(-1) ?? Number.NEGATIVE_INFINITY);
  if (sinceMs < PARAMETERS.contactMs) return undefined;
  // Silence ends a run of contacts.
  if (sinceMs >= PARAMETERS.intervalMsMax) timesMs.length = refs.length = 0;
  timesMs.push(timeMs);
  refs.push(refOf(observation));
  if (timesMs.length > PARAMETERS.intervalCount + 1) {
    timesMs.shift();
    refs.shift();
  }
  pairs.settle(cell);
  return cell.value;
}

/** Median interval of enough contacts that come regularly. */
function regularIntervalMs(timesMs: readonly number[]): number | undefined {
  const { intervalCount, regularMin, nearShare, medianMsMin, contactMs } = PARAMETERS;
  if (timesMs.length <= intervalCount) return undefined;
  const intervals = timesMs.slice(1).map((timeMs, index) => timeMs - (timesMs[index] as number));
  const sorted = intervals.toSorted((a, b) => a - b);
  const medianMs = ((sorted[(intervalCount >> 1) - 1] as number) + (sorted[intervalCount >> 1] as number)) / 2;
  if (medianMs < medianMsMin) return undefined;
  const nearMs = (medianMs - contactMs) * nearShare;
  const regularCount = intervals.filter((each) => Math.abs(each - medianMs) <= nearMs).length;
  return regularCount >= regularMin ? medianMs : undefined;
}

function detectionOf({ pair, timesMs, refs }: Contacts, medianMs: number): DetectionResult {
  const [from, to] = pair;
  const lastMs = timesMs.at(-1) as number;
  const values = {
    from,
    to,
    count: String(refs.length),
    interval: aboutWords(medianMs),
  };
  return detectionBy(BEACONING.rule, {
    group: pair,
    startMs: timesMs[0] as number,
    endMs: lastMs + 1,
    certainAtMs: lastMs,
    refs,
    values,
  });
}
