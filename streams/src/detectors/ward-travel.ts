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
  type Known,
  type Observation,
} from './detector';
import type { DeviceInventory } from './device-inventory';
import type { AccessFact, DeviceFact } from './facts';
import { spokenName } from './spoken-name';

const PARAMETERS = {
  /** Nobody goes from one ward to a seat of another in less. */
  travelMsMin: 60_000,
  /** A person is not told of again within this time. */
  quietMs: 3_600_000,
  /** Devices that are carried, or reached from elsewhere, say nothing of where somebody is. */
  carried: ['tablet', 'phone', 'smartphone', 'handheld', 'laptop', 'notebook', 'wearable', 'gateway'],
  personsMax: 50_000,
};

const CARRIED: ReadonlySet<string> = new Set(PARAMETERS.carried);

/** Where a person was seen last. */
interface Seen {
  readonly ward: string;
  readonly device: string;
  readonly timeMs: number;
  readonly ref: EventRef;
}
interface PersonState {
  last: Seen | null;
  raisedMs: number | null;
}

/**
 * One account at work at fixed seats of two wards within less time than the way between them takes: two people share it, one
 * left a session open, or somebody else has the password.
 */
export const WARD_TRAVEL: Detector<'access'> = {
  rule: detectorRule({
    id: 'ward-travel',
    version: 2,
    parameters: PARAMETERS,
    title: 'One account at work in two wards at once',
    level: 'medium',
    attack: ['initial-access', 'T1078'],
    wording: {
      confidence: 'medium',
      why: '{person} worked on {device} in {ward} and {interval} before on {earlierDevice} in {earlierWard}. Nobody is in two wards at once: a colleague may be using the account, or a stranger with the password who reads about your patients.',
      nextStep:
        'Call {person} and ask where they are. If they are not at {device}, ask the IT service desk to end that session.',
      harmlessExplanation:
        'A session left open that a colleague went on with, or a device that was moved to another ward.',
      entities: [
        { kind: 'person', field: 'person' },
        { kind: 'device', field: 'device' },
        { kind: 'device', field: 'earlierDevice' },
      ],
    },
  }),
  kinds: ['access'],
  isWanted: ({ device }) => device !== null,
  begin,
};

/** Where persons were seen last. */
function newWhereabouts(): DeadlineStore<PersonState> {
  return new DeadlineStore<PersonState>(
    {
      deadlineOf: ({ last, raisedMs }) =>
        Math.max((last?.timeMs ?? 0) + PARAMETERS.travelMsMin, (raisedMs ?? 0) + PARAMETERS.quietMs),
      entryCountOf: () => 1,
      toJson: ({ last, raisedMs }) => [last && { ...last }, raisedMs],
      fromJson: (json) => {
        const [last, raisedMs] = json as unknown as [Seen | null, number | null];
        return { last, raisedMs };
      },
    },
    { keysMax: PARAMETERS.personsMax, entriesMax: PARAMETERS.personsMax },
  );
}

/** Takes note of where a person is. Where they were before, if nobody gets from there to here in that time. */
function see(whereabouts: DeadlineStore<PersonState>, person: string, seen: Seen): Seen | undefined {
  const cell = whereabouts.touch(person, () => ({ last: null, raisedMs: null }));
  const state = cell.value;
  const { last, raisedMs } = state;
  const isQuiet = raisedMs !== null && seen.timeMs - raisedMs < PARAMETERS.quietMs;
  const isTooFast =
    last !== null &&
    last.ward !== seen.ward &&
    last.device !== seen.device &&
    seen.timeMs - last.timeMs < PARAMETERS.travelMsMin;
  state.last = seen;
  const isRaised = isTooFast && !isQuiet;
  if (isRaised) state.raisedMs = seen.timeMs;
  whereabouts.settle(cell);
  return isRaised ? last : undefined;
}

/** Ward of a fixed seat; undefined for what is carried, and where nobody said where a device stands. */
function wardOf({ uid, type, ward }: DeviceFact, devices: DeviceInventory): string | undefined {
  const known = type === null || ward === null ? devices.byUid(uid) : undefined;
  const deviceType = type ?? known?.type ?? '';
  if (CARRIED.has(deviceType) || CARRIED.has(deviceType.toLowerCase())) return undefined;
  return ward ?? known?.ward ?? undefined;
}

function begin({ devices }: Known): DetectorRun<AccessFact> {
  const whereabouts = newWhereabouts();
  return runOver(whereabouts, {
    counters: () => whereabouts.counters('wardTravel'),
    detections: orderedOperator<Observation<AccessFact>, DetectionResult>((out) => ({
      event: (observation, timeMs) => {
        const { person, device } = observation.fact;
        const ward = device === null ? undefined : wardOf(device, devices);
        if (device === null || ward === undefined) return;
        const seen: Seen = { ward, device: device.uid, timeMs, ref: refOf(observation) };
        const earlier = see(whereabouts, person, seen);
        if (earlier !== undefined) out.next(detectionOf(person, earlier, seen));
      },
      advance: (nowMs) => whereabouts.forgetDue(nowMs),
    })),
  });
}

function detectionOf(person: string, earlier: Seen, seen: Seen): DetectionResult {
  const values = {
    person,
    device: seen.device,
    ward: spokenName(seen.ward),
    earlierDevice: earlier.device,
    earlierWard: spokenName(earlier.ward),
    interval: durationText(Math.max(1, Math.ceil((seen.timeMs - earlier.timeMs) / 1_000)) * 1_000),
  };
  return detectionBy(WARD_TRAVEL.rule, {
    group: [person],
    startMs: earlier.timeMs,
    endMs: seen.timeMs + 1,
    certainAtMs: seen.timeMs,
    refs: [earlier.ref, seen.ref],
    values,
  });
}
