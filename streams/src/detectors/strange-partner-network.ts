import { orderedOperator } from '../operators/event-time-operator';
import { KeyedStore } from '../operators/keyed-store';
import type { Json, StateStore } from '../operators/stream-element';
import type { DetectionResult } from '../result';
import { isInCidr, parseCidr, parseIpAddress, type CidrBlock } from '../sigma/cidr';
import {
  detectionBy,
  detectorRule,
  refOf,
  runOver,
  type Detector,
  type DetectorRun,
  type Observation,
} from './detector';
import type { AgreementFact, PartnerAccessFact } from './exchange-facts';

const PARAMETERS = {
  /** A second factor vouches for requests by the same account from the same address for this long. */
  vouchMs: 16 * 3_600_000,
  /** The same account at the same address is told of once within this time. */
  quietMs: 24 * 3_600_000,
  partnersMax: 10_000,
  agreementsMax: 64,
  accountsMax: 50_000,
};

/**
 * A partner's account at work outside the networks that the agreement names, and without a second factor: partners are let in
 * because of where they are, so that a stolen password or key shows when it is used from elsewhere. A second factor speaks for
 * those who travel or work at home. Partners whose agreement names no network are not judged.
 */
export const STRANGE_PARTNER_NETWORK: Detector<'agreement' | 'partner-access'> = {
  rule: detectorRule({
    id: 'strange-partner-network',
    version: 1,
    parameters: PARAMETERS,
    title: "A partner's account at work from a strange network",
    level: 'high',
    attack: ['initial-access', 'T1199', 'T1078'],
    wording: {
      confidence: 'medium',
      why: 'The account {account} of the partner {partner} {act} from the address {address}{country}, which is in none of the networks that the agreement names, and no second proof of identity was asked for there. What it gets of your patients leaves the house.',
      nextStep:
        'Block the account {account} in the exchange portal now, and call the partner {partner} by a number that you know: was it one of theirs? Then look at what was released to it since.',
      harmlessExplanation:
        'The partner may have moved or changed its provider without saying so, or somebody there works at home. The partner can tell at once.',
      entities: [
        { kind: 'person', field: 'account' },
        { kind: 'partner', field: 'partner' },
        { kind: 'address', field: 'address' },
      ],
    },
  }),
  kinds: ['agreement', 'partner-access'],
  begin,
};

/** Networks of one partner: as they are written, by agreement, and read. */
interface PartnerNetworks {
  readonly byAgreement: Map<string, readonly string[]>;
  blocks: readonly CidrBlock[];
}

/** State of the detector: where partners work, and which accounts were vouched for where. */
class PartnerPlaces implements StateStore {
  readonly #networks = new KeyedStore<PartnerNetworks>(PARAMETERS.partnersMax, {
    toJson: ({ byAgreement }) => [...byAgreement] as unknown as Json,
    fromJson: (json) => networksOf(new Map(json as unknown as [string, readonly string[]][])),
  });
  readonly #vouched = newTimes();
  readonly #told = newTimes();

  agree({ partner, agreement, isInForce, networks }: AgreementFact): void {
    const known = this.#networks.touch(partner, () => networksOf(new Map()));
    const { byAgreement } = known;
    byAgreement.delete(agreement);
    if (!isInForce && agreement === '') byAgreement.clear();
    if (isInForce) byAgreement.set(agreement, networks);
    if (byAgreement.size > PARAMETERS.agreementsMax) byAgreement.delete(byAgreement.keys().next().value as string);
    known.blocks = blocksOf(byAgreement);
  }

  /** True when the partner is known to work elsewhere, nobody vouched for the account there, and it was not told of lately. */
  isStrange(access: PartnerAccessFact, timeMs: number): boolean {
    const { partner, account, address, isSignIn, hasSecondFactor } = access;
    const blocks = this.#networks.touchKnown(partner)?.blocks ?? [];
    const bytes = parseIpAddress(address);
    if (blocks.length === 0 || bytes === undefined || blocks.some((block) => isInCidr(bytes, block))) return false;
    const place = `${account}\n${address}`;
    if (isSignIn && hasSecondFactor) {
      this.#vouched.touch(place, newTime).timeMs = timeMs;
      return false;
    }
    if (isSince(this.#vouched.touchKnown(place), timeMs - PARAMETERS.vouchMs)) return false;
    const told = this.#told.touch(place, newTime);
    if (isSince(told, timeMs - PARAMETERS.quietMs)) return false;
    told.timeMs = timeMs;
    return true;
  }

  counters(): Record<string, number> {
    return {
      strangeNetworkPartners: this.#networks.size,
      strangeNetworkPartnersEvicted: this.#networks.evictedCount,
      strangeNetworkAccountsEvicted: this.#vouched.evictedCount + this.#told.evictedCount,
    };
  }

  snapshot(): Json {
    return { networks: this.#networks.snapshot(), vouched: this.#vouched.snapshot(), told: this.#told.snapshot() };
  }

  restore(state: Json): void {
    const { networks, vouched, told } = state as { networks: Json; vouched: Json; told: Json };
    this.#networks.restore(networks);
    this.#vouched.restore(vouched);
    this.#told.restore(told);
  }
}

function begin(): DetectorRun<AgreementFact | PartnerAccessFact> {
  const places = new PartnerPlaces();
  return runOver(places, {
    counters: () => places.counters(),
    detections: orderedOperator<Observation<AgreementFact | PartnerAccessFact>, DetectionResult>((out) => ({
      event: (observation, timeMs) => {
        const { fact } = observation;
        if (fact.kind === 'agreement') places.agree(fact);
        else if (places.isStrange(fact, timeMs)) out.next(detectionOf(observation, fact));
      },
      advance: () => undefined,
    })),
  });
}

function detectionOf(observation: Observation, access: PartnerAccessFact): DetectionResult {
  const { timeMs } = observation;
  const { account, partner, address, country, isSignIn } = access;
  const values = {
    account,
    partner,
    address,
    country: country === null ? '' : ` (${country})`,
    act: isSignIn ? 'signed in' : 'asked for data',
  };
  return detectionBy(STRANGE_PARTNER_NETWORK.rule, {
    group: [partner, account, address],
    startMs: timeMs,
    endMs: timeMs + 1,
    certainAtMs: timeMs,
    refs: [refOf(observation)],
    values,
  });
}

/** A time that is null until something has happened. */
interface Moment {
  timeMs: number | null;
}

const newTime = (): Moment => ({ timeMs: null });

function isSince(moment: Moment | undefined, fromMs: number): boolean {
  return moment !== undefined && moment.timeMs !== null && moment.timeMs > fromMs;
}

function newTimes(): KeyedStore<Moment> {
  return new KeyedStore(PARAMETERS.accountsMax, {
    toJson: ({ timeMs }) => timeMs,
    fromJson: (json) => ({ timeMs: json as number | null }),
  });
}

function networksOf(byAgreement: Map<string, readonly string[]>): PartnerNetworks {
  return { byAgreement, blocks: blocksOf(byAgreement) };
}

function blocksOf(byAgreement: ReadonlyMap<string, readonly string[]>): readonly CidrBlock[] {
  return [...byAgreement.values()]
    .flat()
    .map(parseCidr)
    .filter((block) => block !== undefined);
}
