import { canonicalJson } from '@protego/contracts';
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
import { withinWords } from './span-words';
import type { AddressClaimFact } from './upkeep-facts';

const PARAMETERS = {
  /** Changes of holder are looked at together within this time. */
  windowMs: 30 * 60_000,
  /** A device that is replaced changes it once, gateways that take turns twice; a dispute goes to and fro. */
  changesMin: 4,
  /** The same dispute is not told again while it has not rested for so long. */
  quietMs: 2 * 3_600_000,
  disputesMax: 50_000,
  changesMax: 64,
};

/** What is claimed: an address by cards, or the number of a card in parts of the network. */
type Claimed = readonly [what: 'address' | 'card', name: string];
type Change = readonly [timeMs: number, holder: string, ref: EventRef];

/** Who held it last, and how that changed lately, oldest first. */
interface Tenure {
  readonly claimed: Claimed;
  holder: string;
  device: string | null;
  lastMs: number;
  readonly changes: Change[];
  raisedMs: number | null;
}

/**
 * An address that two network cards claim in turn, or a card that is heard in two parts of the network in turn: somebody poses as
 * another device (RFC 5227, section 2.4, says how the owner defends it). A replaced device, or gateways that share an address
 * (RFC 9568), hand it over and leave it there.
 */
export const ADDRESS_DISPUTE: Detector<'address-claim'> = {
  rule: detectorRule({
    id: 'address-dispute',
    version: 1,
    parameters: PARAMETERS,
    title: 'Two devices claim one address in turn',
    level: 'high',
    attack: ['credential-access', 'T1557.002', 'T1557', 'T0830', 'T0856'],
    wording: {
      confidence: 'high',
      why: 'The {what} {claimed} (last as {device}) went to and fro between {holders} {count} times within {interval}. Somebody may be reading and altering what passes there, and a patient may be worse than the central station shows.',
      nextStep:
        'Look at the patients and at the devices themselves, not only at the central station. Then call the IT security desk, who can find the second card.',
      harmlessExplanation:
        'Two devices that were given one address by mistake, or a cable that joins two networks. The IT service desk can tell.',
      entities: [
        { kind: 'address', field: 'claimed' },
        { kind: 'device', field: 'device' },
      ],
    },
  }),
  kinds: ['address-claim'],
  begin,
};

type Tenures = DeadlineStore<Tenure>;

function newTenures(): Tenures {
  const { windowMs, quietMs, disputesMax, changesMax } = PARAMETERS;
  return new DeadlineStore<Tenure>(
    {
      deadlineOf: ({ lastMs, raisedMs }) => Math.max(lastMs + windowMs, (raisedMs ?? 0) + quietMs),
      entryCountOf: ({ changes }) => changes.length,
      toJson: ({ claimed, holder, device, lastMs, changes, raisedMs }) => [
        claimed,
        holder,
        device,
        lastMs,
        [...changes],
        raisedMs,
      ],
      fromJson: (json) => {
        const [claimed, holder, device, lastMs, changes, raisedMs] = json as unknown as [
          Claimed,
          string,
          string | null,
          number,
          Change[],
          number | null,
        ];
        return { claimed, holder, device, lastMs, changes: [...changes], raisedMs };
      },
    },
    { keysMax: disputesMax, entriesMax: disputesMax * changesMax },
  );
}

function begin(): DetectorRun<AddressClaimFact> {
  const tenures = newTenures();
  return runOver(tenures, {
    counters: () => tenures.counters('addressDispute'),
    detections: orderedOperator<Observation<AddressClaimFact>, DetectionResult>((out) => ({
      event: (observation, timeMs) => {
        const { ip, mac, network } = observation.fact;
        const byCard = disputed(tenures, ['address', ip], mac, observation, timeMs);
        if (byCard !== undefined) out.next(detectionOf(byCard));
        if (network === null) return;
        const byPlace = disputed(tenures, ['card', mac], network, observation, timeMs);
        if (byPlace !== undefined) out.next(detectionOf(byPlace));
      },
      advance: (nowMs) => tenures.forgetDue(nowMs),
    })),
  });
}

/** Takes note of who holds what is claimed; what is known of it where it is in dispute and that was not told yet. */
function disputed(
  tenures: Tenures,
  claimed: Claimed,
  holder: string,
  observation: Observation<AddressClaimFact>,
  timeMs: number,
): Tenure | undefined {
  const { windowMs, changesMin, changesMax, quietMs } = PARAMETERS;
  const { device } = observation.fact;
  const create = (): Tenure => ({ claimed, holder, device, lastMs: timeMs, changes: [], raisedMs: null });
  const cell = tenures.touch(canonicalJson([...claimed]), create);
  const tenure = cell.value;
  const { changes } = tenure;
  while (changes[0] !== undefined && timeMs - changes[0][0] >= windowMs) changes.shift();
  if (holder !== tenure.holder) {
    if (changes.length >= changesMax) changes.shift();
    changes.push([timeMs, holder, refOf(observation)]);
  }
  tenure.holder = holder;
  tenure.device = device ?? tenure.device;
  tenure.lastMs = timeMs;
  const isDisputed = changes.length >= changesMin;
  const isQuiet = tenure.raisedMs !== null && timeMs - tenure.raisedMs < quietMs;
  // A dispute that goes on is the same one.
  if (isDisputed) tenure.raisedMs = timeMs;
  tenures.settle(cell);
  return isDisputed && !isQuiet ? tenure : undefined;
}

function detectionOf({ claimed, device, changes }: Tenure): DetectionResult {
  const [what, name] = claimed;
  const [startMs] = changes[0] as Change;
  const [endMs] = changes.at(-1) as Change;
  const holders = [...new Set(changes.map(([, holder]) => holder))].sort();
  const values = {
    what: what === 'address' ? 'address' : 'network card',
    claimed: name,
    device: device ?? 'a device that nobody knows',
    holders: holders.join(' and '),
    count: String(changes.length),
    interval: withinWords(endMs - startMs),
  };
  return detectionBy(ADDRESS_DISPUTE.rule, {
    group: [...claimed],
    startMs,
    endMs: endMs + 1,
    certainAtMs: endMs,
    refs: changes.map(([, , ref]) => ref),
    values,
  });
}
