import { canonicalJson } from '@protego/contracts';
import { durationText } from '../duration-text';
import { DeadlineStore } from '../operators/deadline-store';
import { orderedOperator } from '../operators/event-time-operator';
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
  pairsMax: 50_000,
};

type Pair = readonly [from: string, to: string, port: number | null];

/** Contacts of one device with one destination, oldest first. */
interface Contacts {
  readonly pair: Pair;
  readonly timesMs: number[];
  readonly refs: EventRef[];
  raisedMs: number | null;
}

/**
 * A device that reaches a place outside the house at regular intervals, as malware asks its operators for orders. Of the last
 * intervals nine in ten must lie near their median: sleep times with a jitter of half their length do, while contacts that
 * come by chance lie that close in one of three cases.
 */
export const BEACONING: Detector<'flow'> = {
  rule: detectorRule({
    id: 'beaconing',
    version: 1,
    parameters: PARAMETERS,
    title: 'A device reports to a place outside at regular intervals',
    level: 'medium',
    attack: ['command-and-control', 'T1071', 'T1573'],
    wording: {
      confidence: 'low',
      why: '{from} reached {destination} {count} times, about every {interval}, as malware does that waits for orders.',
      nextStep:
        'Find out today which program on {from} talks to {destination}, and whether its maker says that it should.',
      harmlessExplanation: 'A program of the maker that looks for updates, sends readings or keeps a line open.',
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

function begin(): DetectorRun<FlowFact> {
  const pairs = newPairs();
  return runOver(pairs, {
    counters: () => pairs.counters('beaconing'),
    detections: orderedOperator((out) => ({
      event: (observation, timeMs) => {
        const contacts = withContact(pairs, observation, timeMs);
        const medianMs = contacts && regularIntervalMs(contacts.timesMs);
        if (contacts === undefined || medianMs === undefined) return;
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
  const [from, to, port] = pair;
  const lastMs = timesMs.at(-1) as number;
  const values = {
    from,
    to,
    destination: port === null ? to : `${to} port ${port}`,
    count: String(refs.length),
    interval: durationText(Math.round(medianMs / 1_000) * 1_000),
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
