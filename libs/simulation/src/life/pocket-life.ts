import { networkOf } from '../address-claims';
import type { EventDraft } from '../draft';
import { DAY_MS, HOUR_MS } from '../durations';
import { deviceDraft } from '../event-drafts';
import { drawFraction, drawIndex } from '../hospital/draws';
import type { Duty, Hospital, SimulatedDevice } from '../hospital/model';
import { SeededRandom } from '../random';
import { BoundedMemo } from './bounded-memo';
import type { Life } from './life';

const MINUTE_MS = 60_000;

// How often a day something happens to a phone that the house manages.
const ENROLLED_PER_DAY = 0.004;
const OUT_OF_RULES_PER_DAY = 0.02;
const UPDATED_PER_DAY = 0.03;
/** Out of the rules: a screen lock switched off, an update missing for too long. Until it is put right. */
const OUT_OF_RULES_MS = [20 * MINUTE_MS, 20 * HOUR_MS] as const;
/** Ways out of the house on a duty: the phone goes over to its carrier and comes back. */
const WAYS_OUT_PER_DUTY = 0.35;
const SYSTEM_VERSIONS = ['18.2', '18.3', '18.3.1', '18.4'] as const;

const days = new WeakMap<Hospital, BoundedMemo<number, readonly EventDraft[]>>();
const DAYS_KEPT_MAX = 4;

/**
 * Own phones of staff: enrolment, whether they keep to the rules, updates, ways out into the cellular network, and phones that are
 * not managed and only use the network of guests.
 */
export const POCKET_LIFE: Life = {
  name: 'pocket',
  drafts: ({ hospital, startMs, endMs }) => {
    if (hospital.devicesOf('phone').length === 0) return [];
    let memo = days.get(hospital);
    if (memo === undefined) days.set(hospital, (memo = new BoundedMemo(DAYS_KEPT_MAX)));
    const day = Math.floor(startMs / DAY_MS);
    const drafts = [day - 1, day].flatMap((each) => memo.get(each, () => planDay(hospital, each)));
    return drafts.filter(({ timeMs }) => timeMs >= startMs && timeMs < endMs);
  },
};

/** What happens to all phones because of what begins on a day; it may end on the next. */
function planDay(hospital: Hospital, day: number): readonly EventDraft[] {
  const key = SeededRandom.ofStream(hospital.seed, `pocket/${day}`).word();
  const rate = hospital.settings.eventRateFactor * hospital.settings.rates.signIns;
  const phones = hospital.devicesOf('phone').flatMap((phone, index) => phoneDay(phone, key, index, day * DAY_MS, rate));
  const duties = hospital
    .dutiesBeginning(day * DAY_MS, (day + 1) * DAY_MS)
    .flatMap((duty) => dutyWays(hospital, duty, key, rate));
  return [...phones, ...duties];
}

function phoneDay(phone: SimulatedDevice, key: number, index: number, dayMs: number, rate: number): EventDraft[] {
  if (!phone.view.managed) return [];
  const atMs = (matter: number): number => dayMs + drawIndex(DAY_MS, key, index, matter);
  const drafts: EventDraft[] = [];
  if (drawFraction(key, index, 1) < ENROLLED_PER_DAY * rate)
    drafts.push(enrolmentDraft(officeMs(atMs(2)), phone, 'enrolled'));
  if (drawFraction(key, index, 3) < OUT_OF_RULES_PER_DAY * rate) {
    const fromMs = atMs(4);
    const [least, most] = OUT_OF_RULES_MS;
    drafts.push(complianceDraft(fromMs, phone, false));
    drafts.push(complianceDraft(fromMs + least + drawIndex(most - least, key, index, 5), phone, true));
  }
  if (drawFraction(key, index, 6) < UPDATED_PER_DAY * rate) {
    const version = drawIndex(SYSTEM_VERSIONS.length - 1, key, index, 7);
    const [previous, value] = [SYSTEM_VERSIONS[version], SYSTEM_VERSIONS[version + 1]];
    drafts.push(settingDraft(atMs(8), phone, 'mdm.system-version', value as string, previous as string));
  }
  return drafts;
}

/** A phone leaves the wireless network of the house for its carrier's and comes back, or uses that of guests. */
function dutyWays(
  hospital: Hospital,
  { person, startMs, endMs, isOnCall }: Duty,
  key: number,
  rate: number,
): EventDraft[] {
  if (isOnCall) return [];
  const { index } = person.resident;
  const phone = person.phone ?? unmanagedPhoneOf(hospital, person.user.uid);
  if (phone === undefined) return [];
  if (!phone.view.managed) {
    return [
      presenceDraft(startMs - drawIndex(14 * MINUTE_MS, key, index, 11), phone, 'joined', networkOf(phone)),
      presenceDraft(endMs + drawIndex(18 * MINUTE_MS, key, index, 12), phone, 'left', networkOf(phone)),
    ];
  }
  if (drawFraction(key, index, 13) >= WAYS_OUT_PER_DUTY * rate) return [];
  const outMs = startMs + 30 * MINUTE_MS + drawIndex(Math.max(1, endMs - startMs - 2 * HOUR_MS), key, index, 14);
  const backMs = outMs + 5 * MINUTE_MS + drawIndex(40 * MINUTE_MS, key, index, 15);
  return [
    presenceDraft(outMs, phone, 'left', networkOf(phone)),
    presenceDraft(outMs + 2_000 + drawIndex(20_000, key, index, 16), phone, 'joined', 'cellular'),
    presenceDraft(backMs, phone, 'left', 'cellular'),
    presenceDraft(backMs + 2_000 + drawIndex(20_000, key, index, 17), phone, 'joined', networkOf(phone)),
  ];
}

const unmanaged = new WeakMap<Hospital, ReadonlyMap<string, SimulatedDevice>>();

/** The phone of a member of staff that the house does not manage: no record is read on it. */
export function unmanagedPhoneOf(hospital: Hospital, owner: string): SimulatedDevice | undefined {
  let known = unmanaged.get(hospital);
  if (known === undefined) {
    const phones = hospital.devicesOf('phone').filter(({ view }) => !view.managed && view.owner !== undefined);
    known = new Map(phones.map((phone) => [phone.view.owner as string, phone]));
    unmanaged.set(hospital, known);
  }
  return known.get(owner);
}

/** The service desk enrols phones while it is open. */
function officeMs(timeMs: number): number {
  const dayMs = Math.floor(timeMs / DAY_MS) * DAY_MS;
  return dayMs + 7 * HOUR_MS + Math.floor(((timeMs - dayMs) / DAY_MS) * 9 * HOUR_MS);
}

/** A phone came under the management of the house, or left it. */
export function enrolmentDraft(timeMs: number, phone: SimulatedDevice, value: 'enrolled' | 'removed'): EventDraft {
  return settingDraft(timeMs, phone, 'mdm.enrolment', value, value === 'enrolled' ? 'removed' : 'enrolled');
}

/** A phone keeps to the rules of the house again, or does not any more. */
export function complianceDraft(timeMs: number, phone: SimulatedDevice, isCompliant: boolean): EventDraft {
  const [compliant, not] = ['compliant', 'non-compliant'];
  return settingDraft(timeMs, phone, 'mdm.compliance', isCompliant ? compliant : not, isCompliant ? not : compliant);
}

function settingDraft(
  timeMs: number,
  { view }: SimulatedDevice,
  setting: string,
  value: string,
  previous: string,
): EventDraft {
  const facts = { setting, value, previous_value: previous };
  return deviceDraft(timeMs, 'network-monitor', 'device.config-changed', view, facts);
}

function presenceDraft(timeMs: number, { view }: SimulatedDevice, act: 'joined' | 'left', network: string): EventDraft {
  return deviceDraft(timeMs, 'network-monitor', `device.${act}`, view, { network });
}
