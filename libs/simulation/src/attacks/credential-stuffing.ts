import { HOUR_MS } from '../durations';
import type { EventDraft } from '../draft';
import { signedInDraft, type Seat } from '../event-drafts';
import type { StaffMember } from '../hospital/model';
import { sessionUid } from '../life/session-life';
import { mistypedName, refusalOf, refusedDraft } from '../life/sign-in-life';
import { userAgentOf } from '../user-agents';
import {
  MINUTE_MS,
  addressEntity,
  inpatientsOf,
  outsideSeat,
  personEntity,
  readsOf,
  strangeAddresses,
  timeOfNth,
  workplaceOf,
} from './access-parts';
import { amountOf, inTime, pacedMs, stepTimes, type Course, type Script, type Stage } from './activity';

/** What a list of names is tried with. */
interface Campaign {
  /** Names on the list at volume 1, and the least. */
  readonly names: readonly [usual: number, least: number];
  /** Share of the names that are accounts of the house. */
  readonly knownShare: number;
  readonly addressCount: number;
  readonly durationMs: number;
  /** Tries after which no harmless activity goes on. */
  readonly tellingTry: number;
}

/** Names in the form of the house: some are its accounts, the others never were or are no more. */
function namesOf(stage: Stage, count: number, knownShare: number): { list: string[]; known: StaffMember[] } {
  const { hospital, random } = stage;
  const known = random.sample(hospital.people, Math.max(2, Math.round(count * knownShare)));
  const list = new Set(known.map(({ user }) => user.uid));
  while (list.size < count) list.add(mistypedName(random, random.pick(hospital.people).user.uid));
  return { list: random.sample([...list], list.size), known };
}

function play(stage: Stage, campaign: Campaign): Course | undefined {
  const { hospital, random, startMs } = stage;
  const addresses = strangeAddresses(stage, campaign.addressCount);
  const { list, known } = namesOf(stage, amountOf(stage, ...campaign.names), campaign.knownShare);
  const userAgent = userAgentOf('gateway', addresses[0] ?? '');
  const times = stepTimes(random, startMs, pacedMs(stage, campaign.durationMs), list.length);
  const drafts: EventDraft[] = [];
  for (const [index, name] of list.entries()) {
    const seat = outsideSeat(stage, { uid: name }, addresses[index % addresses.length] as string, userAgent);
    if (seat === undefined) return undefined;
    drafts.push(refusedDraft(times[index] as number, seat, refusalOf(hospital, name)));
  }
  return breakIn(stage, campaign, { drafts: inTime(drafts), addresses, victim: random.pick(known), userAgent });
}

interface Tries {
  readonly drafts: readonly EventDraft[];
  readonly addresses: readonly string[];
  readonly victim: StaffMember;
  readonly userAgent: string;
}

/** In the end one password fits, and a few records are looked at. */
function breakIn(stage: Stage, { tellingTry }: Campaign, tries: Tries): Course | undefined {
  const { random } = stage;
  const ip = tries.addresses[0] as string;
  const seat = outsideSeat(stage, tries.victim.user, ip, tries.userAgent);
  if (seat === undefined) return undefined;
  const lastMs = (tries.drafts.at(-1) as EventDraft).timeMs;
  const signInMs = lastMs + random.integer(2000, Math.max(2000, pacedMs(stage, 3 * MINUTE_MS)));
  const inside: Seat = { ...seat, session: sessionUid(random) };
  const stays = inpatientsOf(stage, random.integer(2, 5), ({ ward }) => ward === tries.victim.user.ward);
  const times = stepTimes(random, signInMs + 20_000, pacedMs(stage, 4 * MINUTE_MS), stays.length);
  return {
    entities: [...tries.addresses.map(addressEntity), personEntity(tries.victim)],
    drafts: inTime([
      ...tries.drafts,
      signedInDraft(signInMs, inside, false),
      ...readsOf(stage, workplaceOf(tries.victim, inside, random), stays, times),
    ]),
    detectableAtMs: timeOfNth(tries.drafts, tellingTry),
  };
}

/** Addresses from which a few accounts are tried. */
const ADDRESSES_OF_FEW = 17;

/** A few accounts that are worth it, each tried from many addresses with passwords that leaked elsewhere. */
function playFewAccounts(stage: Stage): Course | undefined {
  const { hospital, random, startMs } = stage;
  const targets = random.sample([...hospital.peopleOf('it-administrator'), ...hospital.peopleOf('physician')], 3);
  const addresses = strangeAddresses(stage, ADDRESSES_OF_FEW);
  const count = amountOf(stage, 42, 20);
  const userAgent = userAgentOf('gateway', addresses[0] ?? '');
  const times = stepTimes(random, startMs, pacedMs(stage, 5 * HOUR_MS), count);
  const drafts: EventDraft[] = [];
  for (const [index, timeMs] of times.entries()) {
    const target = targets[index % targets.length];
    // Seven shares no factor with their number, so that each account is tried from all of them in turn.
    const ip = addresses[(index * 7) % addresses.length];
    const seat = target && ip ? outsideSeat(stage, target.user, ip, userAgent) : undefined;
    if (seat === undefined) return undefined;
    drafts.push(refusedDraft(timeMs, seat, 'wrong password'));
  }
  const course = breakIn(
    stage,
    { ...ONE_ADDRESS, tellingTry: 10 },
    {
      drafts: inTime(drafts),
      addresses,
      victim: random.pick(targets),
      userAgent,
    },
  );
  return course && { ...course, entities: [...course.entities, ...targets.map(personEntity)] };
}

const ONE_ADDRESS: Campaign = {
  names: [50, 24],
  knownShare: 0.25,
  addressCount: 1,
  durationMs: 4 * MINUTE_MS,
  tellingTry: 8,
};
const DISTRIBUTED: Campaign = {
  names: [64, 30],
  knownShare: 0.25,
  addressCount: 16,
  durationMs: 40 * MINUTE_MS,
  tellingTry: 12,
};
const SLOW_SPRAY: Campaign = {
  names: [36, 16],
  knownShare: 0.7,
  addressCount: 2,
  durationMs: 8 * HOUR_MS,
  tellingTry: 8,
};

/** Tail of every course: a password fits, and records are looked at. */
const TAIL_MS = 20 * MINUTE_MS;
const attack = { attack: 'credential-stuffing', kind: 'attack' } as const;

/** Lists of names and passwords that are tried at the gateway. */
export const CREDENTIAL_STUFFING: readonly Script[] = [
  {
    ...attack,
    name: 'credential-stuffing-one-address',
    source: 'Passwords of a breached site, tried at a hospital from one rented server within minutes',
    durationMsMax: ONE_ADDRESS.durationMs * 1.1 + TAIL_MS,
    play: (stage) => play(stage, ONE_ADDRESS),
  },
  {
    ...attack,
    name: 'credential-stuffing-distributed',
    source: 'The same through a residential proxy service, so that no address tries more than a few names',
    durationMsMax: DISTRIBUTED.durationMs * 1.1 + TAIL_MS,
    play: (stage) => play(stage, DISTRIBUTED),
  },
  {
    ...attack,
    name: 'credential-stuffing-slow-spray',
    source: 'One likely password for every name of a staff list, minutes apart, under the limits that lock accounts',
    durationMsMax: SLOW_SPRAY.durationMs * 1.1 + TAIL_MS,
    play: (stage) => play(stage, SLOW_SPRAY),
  },
  {
    ...attack,
    name: 'credential-stuffing-few-accounts',
    source: 'Leaked passwords of administrators and physicians, tried from many addresses for half a day',
    durationMsMax: 5.5 * HOUR_MS + TAIL_MS,
    play: playFewAccounts,
  },
];
