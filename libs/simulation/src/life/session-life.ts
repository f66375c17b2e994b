import { endpointOf, outside, type EndpointView } from '../event-drafts';
import type { DeviceView, Duty, Hospital, SimulatedDevice } from '../hospital/model';
import { SeededRandom } from '../random';
import type { SimulationSettings } from '../settings';
import { userAgentOf } from '../user-agents';
import { dutiesIn, dutyKey } from './duties';
import { HourPlans, forgetOldest, type PlanBasis } from './hour-plans';
import type { StaffSession } from './life';
import { lostSpans, type LostSpan } from './lost-devices';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DUTIES_MAX = 4_096;

/** How a role works: where, for how long at a time, and how long between. */
interface WorkStyle {
  /** Shares of sessions on the own phone, where there is one, and of the others on a ward tablet. */
  readonly tabletShare: number;
  readonly phoneShare: number;
  /** Length of a session at a workstation, minutes. */
  readonly seatMinutes: readonly [from: number, to: number];
  /** Time between two sessions, minutes. */
  readonly gapMinutes: readonly [from: number, to: number];
  /** Share of duties that are worked at home. */
  readonly homeShare: number;
  /** True of those who have a seat of their own. */
  readonly isSeated: boolean;
}

const ROUNDS: WorkStyle = {
  tabletShare: 0.35,
  phoneShare: 0.2,
  seatMinutes: [6, 32],
  gapMinutes: [3, 24],
  homeShare: 0,
  isSeated: false,
};
const DESK: WorkStyle = {
  tabletShare: 0,
  phoneShare: 0.03,
  seatMinutes: [45, 150],
  gapMinutes: [5, 30],
  homeShare: 0,
  isSeated: true,
};
const STYLES: Readonly<Record<string, WorkStyle>> = {
  nurse: ROUNDS,
  'float-nurse': ROUNDS,
  physician: { ...ROUNDS, tabletShare: 0.2, phoneShare: 0.3, seatMinutes: [8, 40] },
  'infection-control-nurse': { ...ROUNDS, tabletShare: 0.5, gapMinutes: [8, 35] },
  'social-worker': { ...ROUNDS, tabletShare: 0.1, seatMinutes: [15, 60] },
  'clinical-coder': { ...DESK, homeShare: 0.35 },
};

const plans = new HourPlans<StaffSession>(planHour);
/** Sessions of a duty by its sessions' stream: a duty is planned once, not in each of its hours. */
const duties = new WeakMap<Hospital, Map<string, readonly StaffSession[]>>();

/**
 * Sessions of staff that touch a time, half-open. A person has one at a time, with minutes between two of them; nobody uses a
 * tablet that is missing. A session of a computer at home has the gateway for its device and the home for its address.
 */
export function sessionsIn(
  hospital: Hospital,
  settings: SimulationSettings,
  seed: number,
  startMs: number,
  endMs: number,
): readonly StaffSession[] {
  const sessions = new Set<StaffSession>();
  for (const hour of plans.touching({ hospital, settings, seed }, startMs, endMs)) {
    for (const session of hour) if (session.startMs < endMs && session.endMs > startMs) sessions.add(session);
  }
  return [...sessions];
}

function planHour(basis: PlanBasis, startMs: number, endMs: number): StaffSession[] {
  return dutiesIn(basis, startMs, endMs)
    .flatMap((duty) => sessionsOfDuty(basis, duty))
    .filter((session) => session.startMs < endMs && session.endMs > startMs)
    .sort((a, b) => a.startMs - b.startMs || (a.uid < b.uid ? -1 : 1));
}

function sessionsOfDuty(basis: PlanBasis, duty: Duty): readonly StaffSession[] {
  const { hospital, seed } = basis;
  const rate = rateOf(basis.settings);
  const key = `${seed}/${rate}/${dutyKey(duty)}`;
  let known = duties.get(hospital);
  if (known === undefined) duties.set(hospital, (known = new Map()));
  const planned = known.get(key) ?? planDuty(basis, rate, duty);
  known.set(key, planned);
  forgetOldest(known, DUTIES_MAX);
  return planned;
}

const rateOf = ({ eventRateFactor, rates }: SimulationSettings): number => eventRateFactor * rates.signIns;

function planDuty(basis: PlanBasis, rate: number, duty: Duty): StaffSession[] {
  const { hospital, seed } = basis;
  const random = SeededRandom.ofStream(seed, `sessions/${dutyKey(duty)}`);
  const lost = lostSpans(basis, duty.startMs, duty.endMs);
  const style = STYLES[duty.person.user.role] ?? DESK;
  const isAtHome = duty.isOnCall || random.chance(style.homeShare);
  const plan: DutyPlan = { hospital, random, duty, style, lost, ward: duty.ward };
  const sessions: StaffSession[] = [];
  const gapMs = (): number => (randomMinutes(random, style.gapMinutes) * dutyFactor(duty)) / rate;
  let startMs = duty.startMs + random.integer(2 * MINUTE_MS, 14 * MINUTE_MS);
  if (duty.isOnCall) startMs += random.integer(0, 2 * HOUR_MS);
  while (startMs < duty.endMs - 10 * MINUTE_MS) {
    const session = isAtHome ? remoteSession(plan, startMs) : houseSession(plan, startMs);
    if (session !== undefined) sessions.push(session);
    // Two minutes are the least between two sessions: nobody is at the seats of two wards within one.
    const nextMs = Math.round(Math.max(2 * MINUTE_MS, duty.isOnCall ? gapMs() * 8 : gapMs()));
    startMs = (session?.endMs ?? startMs) + nextMs;
  }
  return sessions;
}

interface DutyPlan {
  readonly hospital: Hospital;
  readonly random: SeededRandom;
  readonly duty: Duty;
  readonly style: WorkStyle;
  readonly lost: readonly LostSpan[];
  readonly ward: string;
}

const randomMinutes = (random: SeededRandom, [from, to]: readonly [number, number]): number =>
  random.integer(from * MINUTE_MS, to * MINUTE_MS);

/** Nights are quieter: more time between two sessions. */
function dutyFactor({ startMs }: Duty): number {
  const hour = Math.floor(startMs / HOUR_MS) % 24;
  return hour >= 20 || hour < 4 ? 1.8 : 1;
}

function houseSession(plan: DutyPlan, startMs: number): StaffSession | undefined {
  const { hospital, random, duty, style, ward } = plan;
  const { phone } = duty.person;
  if (phone !== undefined && random.chance(style.phoneShare)) {
    return session(plan, startMs, 2, 9, phone.view, phoneEndpoint(hospital, random, phone), false);
  }
  if (random.chance(style.tabletShare)) {
    const tablets = hospital.devicesOf('tablet', ward).filter(({ view }) => !isLost(plan.lost, view.uid));
    const tablet = tablets.length === 0 ? undefined : random.pick(tablets);
    if (tablet !== undefined) return session(plan, startMs, 8, 45, tablet.view, endpointOf(tablet), false);
  }
  const seat = seatOf(plan);
  return seat && session(plan, startMs, ...style.seatMinutes, seat.view, endpointOf(seat), false);
}

function seatOf({ hospital, random, duty, style, ward }: DutyPlan): SimulatedDevice | undefined {
  const inWard = hospital.devicesOf('workstation', ward);
  const seats = inWard.length > 0 ? inWard : hospital.devicesOf('workstation');
  if (seats.length === 0) return undefined;
  return style.isSeated ? seats[duty.person.resident.index % seats.length] : random.pick(seats);
}

/** Share of sessions on call that are on the own phone, of those who have one there. */
const ON_CALL_PHONE_SHARE = 0.5;

function remoteSession(plan: DutyPlan, startMs: number): StaffSession | undefined {
  const { hospital, random, duty, style } = plan;
  const { homeAddress, phone } = duty.person;
  const from = outside(homeAddress, hospital.countryOf(homeAddress));
  if (duty.isOnCall && phone !== undefined && random.chance(ON_CALL_PHONE_SHARE)) {
    return session(plan, startMs, 2, 9, phone.view, from, true);
  }
  const gateway = hospital.devicesOf('gateway')[0];
  if (gateway === undefined) return undefined;
  const [fromMinutes, toMinutes] = duty.isOnCall ? [4, 30] : style.seatMinutes;
  return session(plan, startMs, fromMinutes, toMinutes, gateway.view, from, true);
}

/** A tablet that is missed at any time of a duty is left alone for all of it. */
const isLost = (lost: readonly LostSpan[], uid: string): boolean => lost.some(({ device }) => device.view.uid === uid);

/** Now and then a phone has left the house's wireless network for that of its carrier. */
const CELLULAR_SHARE = 0.12;

function phoneEndpoint(hospital: Hospital, random: SeededRandom, phone: SimulatedDevice): EndpointView {
  return random.chance(CELLULAR_SHARE) ? cellularEndpoint(hospital, random) : endpointOf(phone);
}

/** Where a device comes from that uses a carrier's network. */
export function cellularEndpoint(hospital: Hospital, random: SeededRandom): EndpointView {
  const ip = hospital.carrierAddress(random.integer(0, 1_000_000));
  return { ip, zone: 'cellular', country: hospital.countryOf(ip) };
}

/** Uid of a session: twelve hexadecimal digits, as the identity provider makes them. */
export function sessionUid(random: SeededRandom): string {
  const hex = (word: number): string => word.toString(16).padStart(8, '0');
  return `s-${hex(random.word())}${hex(random.word()).slice(0, 4)}`;
}

function session(
  { random, duty }: DutyPlan,
  startMs: number,
  minutesMin: number,
  minutesMax: number,
  device: DeviceView,
  from: EndpointView,
  isRemote: boolean,
): StaffSession {
  const { person } = duty;
  const lengthMs = random.integer(minutesMin * MINUTE_MS, minutesMax * MINUTE_MS);
  return {
    uid: sessionUid(random),
    person,
    device,
    from,
    userAgent: userAgentOf(device.type, device.type === 'gateway' ? person.user.uid : device.uid),
    startMs,
    endMs: Math.min(startMs + lengthMs, duty.endMs),
    isRemote,
  };
}
