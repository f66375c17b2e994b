import { orderedOperator } from '../operators/event-time-operator';
import { KeyedStore } from '../operators/keyed-store';
import type { Json, StateStore } from '../operators/stream-element';
import type { DetectionResult } from '../result';
import { parseIpAddress } from '../sigma/cidr';
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
import type { FlowFact } from './facts';

const DAY_MS = 86_400_000;

const PARAMETERS = {
  /** A class of devices is watched this long before it is judged: all shifts, with working days among them. */
  learnMs: 3 * DAY_MS,
  /** A class that met more new peers than this while it was last watched so long talks to whom it likes: nothing is new. */
  noveltiesMax: 3,
  /** A peer not seen for this long is new again. */
  forgetMs: 90 * DAY_MS,
  /** Ports from here on are chosen by chance (RFC 6335, section 6), and say nothing of the service. */
  chancePortMin: 49_152,
  classesMax: 1_000,
  peersMax: 5_000,
};

/** Whom devices of one class talk to. */
interface ClassPeers {
  readonly firstMs: number;
  /** When each peer was seen last; the one seen longest ago first. */
  readonly lastSeenMs: Map<string, number>;
  /** When the latest new peers came, oldest first. */
  readonly novelMs: number[];
}

/**
 * A device that talks to somebody whom no device of its class talked to before: medical devices of one kind talk to the same few
 * servers, so that the first connection of a pump to a file server says more than any rule about file servers. Classes
 * that meet new peers all the time, such as workstations, are not judged, nor devices on which work is announced.
 */
export const FIRST_SEEN_PEER: Detector<'flow'> = {
  rule: detectorRule({
    id: 'first-seen-peer',
    version: 2,
    parameters: PARAMETERS,
    title: 'A device talks to somebody no device of its kind talked to before',
    level: 'medium',
    attack: ['lateral-movement', 'T1021', 'discovery', 'T1046'],
    wording: {
      confidence: 'medium',
      why: '{from} connected to {to} in a way that no device of its kind did in the {days} days in which they were watched. A device that talks to strangers may be under the control of somebody else, who can change what it does to a patient, or reach records through it.',
      nextStep:
        'Ask today whether {from} was given a new task: medical engineering knows of a medical device, the IT service desk of a computer or server. If nobody does, have them take it off the network, with a replacement at the bed first where a patient depends on it.',
      harmlessExplanation:
        'A server that moved, an update, or maintenance by the maker. Medical engineering or the IT service desk knows.',
      entities: [
        { kind: 'device', field: 'from' },
        { kind: 'address', field: 'to' },
      ],
    },
  }),
  kinds: ['flow'],
  begin,
};

/** State of the detector: the peers of each class. */
class KnownPeers implements StateStore {
  readonly classes = new KeyedStore<ClassPeers>(PARAMETERS.classesMax, {
    toJson: ({ firstMs, lastSeenMs, novelMs }) => [firstMs, [...lastSeenMs], [...novelMs]],
    fromJson: (json) => {
      const [firstMs, lastSeenMs, novelMs] = json as unknown as [number, [string, number][], number[]];
      return { firstMs, lastSeenMs: new Map(lastSeenMs), novelMs: [...novelMs] };
    },
  });
  peersEvictedCount = 0;

  /** Takes note of a peer. For how long the class has been watched, where it is new to a class that knows whom it talks to. */
  meet(deviceClass: string, peer: string, timeMs: number): number | undefined {
    const state = this.classes.touch(deviceClass, () => ({ firstMs: timeMs, lastSeenMs: new Map(), novelMs: [] }));
    const { firstMs, lastSeenMs, novelMs } = state;
    const seenMs = lastSeenMs.get(peer);
    lastSeenMs.delete(peer);
    if (lastSeenMs.size >= PARAMETERS.peersMax) {
      lastSeenMs.delete(lastSeenMs.keys().next().value as string);
      this.peersEvictedCount++;
    }
    lastSeenMs.set(peer, timeMs);
    if (seenMs !== undefined && timeMs - seenMs < PARAMETERS.forgetMs) return undefined;
    const isSettled = novelMs.length < PARAMETERS.noveltiesMax || timeMs - (novelMs[0] as number) >= PARAMETERS.learnMs;
    novelMs.push(timeMs);
    if (novelMs.length > PARAMETERS.noveltiesMax) novelMs.shift();
    const watchedMs = timeMs - firstMs;
    return isSettled && watchedMs >= PARAMETERS.learnMs ? watchedMs : undefined;
  }

  counters(): Record<string, number> {
    return {
      firstSeenPeerClasses: this.classes.size,
      firstSeenPeerClassesEvicted: this.classes.evictedCount,
      firstSeenPeerPeersEvicted: this.peersEvictedCount,
    };
  }

  snapshot(): Json {
    return { classes: this.classes.snapshot(), peersEvictedCount: this.peersEvictedCount };
  }

  restore(state: Json): void {
    const { classes, peersEvictedCount } = state as { classes: Json; peersEvictedCount: number };
    this.classes.restore(classes);
    this.peersEvictedCount = peersEvictedCount;
  }
}

function begin({ devices, work }: Known): DetectorRun<FlowFact> {
  const known = new KnownPeers();
  return runOver(known, {
    counters: () => known.counters(),
    detections: orderedOperator<Observation<FlowFact>, DetectionResult>((out) => ({
      event: (observation, timeMs) => {
        const { fact } = observation;
        const deviceClass = classOf(fact, devices);
        if (deviceClass === undefined) return;
        const watchedMs = known.meet(deviceClass, peerOf(fact), timeMs);
        if (watchedMs !== undefined && !work.isOn(fact.from, timeMs))
          out.next(detectionOf(observation, fact, deviceClass, watchedMs));
      },
      advance: () => undefined,
    })),
  });
}

function classOf({ deviceClass, from, fromAddress }: FlowFact, devices: DeviceInventory): string | undefined {
  if (deviceClass !== null) return deviceClass;
  const known = devices.byUid(from) ?? (fromAddress === null ? undefined : devices.byAddress(fromAddress));
  return known?.type ?? undefined;
}

/** Who is talked to, and which service: outside the house its network, because names there have many addresses. */
function peerOf({ to, toAddress, toPort, leavesHouse }: FlowFact): string {
  const place = leavesHouse && to === toAddress ? networkOf(to) : to;
  return toPort === null || toPort >= PARAMETERS.chancePortMin ? place : `${place} port ${toPort}`;
}

function networkOf(address: string): string {
  const bytes = parseIpAddress(address);
  if (bytes === undefined) return address;
  return bytes.length === 4
    ? `${bytes.slice(0, 3).join('.')}.0/24`
    : `${Buffer.from(bytes.slice(0, 6)).toString('hex')}::/48`;
}

function detectionOf(
  observation: Observation<FlowFact>,
  flow: FlowFact,
  deviceClass: string,
  watchedMs: number,
): DetectionResult {
  const { timeMs } = observation;
  const { from, to } = flow;
  const values = {
    from,
    to,
    days: String(Math.floor(watchedMs / DAY_MS)),
  };
  return detectionBy(FIRST_SEEN_PEER.rule, {
    group: [deviceClass, peerOf(flow)],
    startMs: timeMs,
    endMs: timeMs + 1,
    certainAtMs: timeMs,
    refs: [refOf(observation)],
    values,
  });
}
