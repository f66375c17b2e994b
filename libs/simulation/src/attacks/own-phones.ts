import type { EventDraft } from '../draft';
import { HOUR_MS } from '../durations';
import { directoryDraft, recordDraft, signedInDraft, signInFailedDraft } from '../event-drafts';
import type { SimulatedDevice, StaffMember } from '../hospital/model';
import { complianceDraft, enrolmentDraft } from '../life/pocket-life';
import {
  MINUTE_MS,
  accessTo,
  deviceEntity,
  houseSeat,
  inpatientsOf,
  personEntity,
  readsOf,
  workplaceOf,
} from './access-parts';
import { amountOf, inTime, pacedMs, stepTimes, type Course, type Script, type Stage } from './activity';

/** A phone and whose it is. */
interface Carried {
  readonly phone: SimulatedDevice;
  readonly owner: StaffMember;
}

/** A phone of somebody who is on duty in a ward with patients, managed by the house or not. */
function carried(stage: Stage, isManaged: boolean): Carried | undefined {
  const { hospital, random, startMs } = stage;
  const phones = hospital.devicesOf('phone').filter(({ view }) => view.managed === isManaged);
  const found = random.sample(phones, phones.length).flatMap((phone) => {
    const owner = hospital.personOf(phone.view.owner ?? '');
    const ward = owner === undefined ? undefined : dutyWard(stage, owner);
    const hasPatients = ward !== undefined && hospital.inpatients(startMs, ward).length > 0;
    return owner !== undefined && hasPatients ? [{ phone, owner }] : [];
  });
  return found[0];
}

/** What is done on a phone takes so long at usual pace, and is done on duty. */
const WORK_MS = 3.5 * HOUR_MS;

/** Ward in which somebody is on duty for all of the time that work on a phone takes; undefined for all others. */
function dutyWard({ hospital, startMs }: Stage, person: StaffMember): string | undefined {
  const duty = hospital.dutyOf(person, startMs);
  return duty !== undefined && !duty.isOnCall && duty.endMs >= startMs + WORK_MS ? duty.ward : undefined;
}

/** Exports of own patients' records, each to somewhere outside. */
function exportsOf(
  stage: Stage,
  { phone, owner }: Carried,
  fromMs: number,
  durationMs: number,
  usual: number,
  least: number,
): EventDraft[] {
  const { random } = stage;
  const at = workplaceOf(owner, houseSeat(owner.user, phone, random), random);
  const ward = stage.hospital.dutyOf(owner, stage.startMs)?.ward;
  const stays = inpatientsOf(stage, amountOf(stage, usual, least), (stay) => stay.ward === ward);
  const times = stepTimes(random, fromMs, durationMs, stays.length);
  return stays.map((stay, index) => {
    const timeMs = times[index] as number;
    const exported = { bytesOut: random.integer(30_000, 900_000), destination: 'cloud-storage' };
    return recordDraft(timeMs, 'exported', accessTo(stage, at, stay, timeMs), exported);
  });
}

/** Somebody takes records home on a phone that the house knows nothing of. */
const UNMANAGED_PHONE: Script = {
  attack: 'portal-exfiltration',
  kind: 'attack',
  name: 'portal-exfiltration-unmanaged-phone',
  source: 'Records photographed and kept on private phones, a standing matter of data protection authorities',
  durationMsMax: 5 * HOUR_MS,
  play: (stage) => {
    const found = carried(stage, false);
    if (found === undefined) return undefined;
    const { phone, owner } = found;
    const signIn = signedInDraft(stage.startMs, houseSeat(owner.user, phone, stage.random), true);
    const exported = exportsOf(stage, found, stage.startMs + 30_000, pacedMs(stage, 4 * HOUR_MS), 10, 3);
    return course([signIn, ...exported], found, exported[0]?.timeMs);
  },
};

/** With a stolen password somebody enrols a phone anew, which is trusted from then on, and takes records out through it. */
const NEW_PHONE: Script = {
  attack: 'portal-exfiltration',
  kind: 'attack',
  name: 'portal-exfiltration-new-phone',
  source: 'Devices registered with stolen passwords, the habit of groups that call the service desk',
  durationMsMax: 6 * HOUR_MS,
  play: (stage) => {
    const found = carried(stage, true);
    if (found === undefined) return undefined;
    const { phone, owner } = found;
    const firstMs = stage.startMs + pacedMs(stage, stage.random.integer(8 * MINUTE_MS, 30 * MINUTE_MS));
    const exported = exportsOf(stage, found, firstMs + 30_000, pacedMs(stage, 4.5 * HOUR_MS), 14, 6);
    if (exported.length < 4) return undefined;
    const signIn = signedInDraft(firstMs, houseSeat(owner.user, phone, stage.random), true);
    return course([enrolmentDraft(stage.startMs, phone, 'enrolled'), signIn, ...exported], found, exported[3]?.timeMs);
  },
};

/** A phone that was left lying about: somebody reads on it under another account. */
const OTHER_ACCOUNT: Script = {
  attack: 'stolen-tablet',
  kind: 'attack',
  name: 'stolen-phone-other-account',
  source: 'Phones taken from staff rooms and used with shared or stolen passwords',
  durationMsMax: 3 * HOUR_MS,
  play: (stage) => {
    const { hospital, random, startMs } = stage;
    const found = carried(stage, true);
    const others = hospital
      .onDuty(startMs)
      .filter(({ person }) => person !== found?.owner && person.phone === undefined);
    if (found === undefined || others.length === 0) return undefined;
    const { person, ward } = random.pick(others);
    const seat = houseSeat(person.user, found.phone, random);
    const stays = inpatientsOf(stage, amountOf(stage, 14, 5), (stay) => stay.ward === ward || random.chance(0.3));
    const times = stepTimes(random, startMs + 30_000, pacedMs(stage, 2.5 * HOUR_MS), stays.length);
    const reads = readsOf(stage, workplaceOf(person, seat, random), stays, times);
    const drafts = [signedInDraft(startMs, seat, false), ...reads];
    return {
      ...course(drafts, found, reads[0]?.timeMs),
      entities: [deviceEntity(found.phone.view), personEntity(person)],
    };
  },
};

/** A phone is out of the rules for some hours: the app refuses it, it is put right, and work goes on. */
const OUT_OF_RULES: Script = {
  attack: 'portal-exfiltration',
  kind: 'benign-twin',
  name: 'phone-out-of-the-rules-and-back',
  source: 'An update that was put off for too long',
  durationMsMax: 8 * HOUR_MS,
  play: (stage) => {
    const { random, startMs } = stage;
    const found = carried(stage, true);
    if (found === undefined) return undefined;
    const { phone, owner } = found;
    const seat = houseSeat(owner.user, phone, random);
    const backMs = startMs + random.integer(30 * MINUTE_MS, 2 * HOUR_MS);
    const refused = [10, 11].map((minutes) =>
      signInFailedDraft(startMs + minutes * MINUTE_MS, seat, 'device does not keep to the rules'),
    );
    const work = someReads(stage, found, seat, backMs + 5 * MINUTE_MS);
    const drafts = [complianceDraft(startMs, phone, false), ...refused, complianceDraft(backMs, phone, true), ...work];
    return twin(drafts, found);
  },
};

/** The service desk enrols a new phone, and its owner begins to work with it. */
const NEW_PHONE_AT_DESK: Script = {
  attack: 'portal-exfiltration',
  kind: 'benign-twin',
  name: 'new-phone-at-the-service-desk',
  source: 'The day on which a new phone came',
  durationMsMax: 8 * HOUR_MS,
  beginHours: [7, 8, 9, 10, 11, 12, 13, 14],
  play: (stage) => {
    const { random, startMs } = stage;
    const found = carried(stage, true);
    if (found === undefined) return undefined;
    const seat = houseSeat(found.owner.user, found.phone, random);
    const work = someReads(stage, found, seat, startMs + random.integer(10 * MINUTE_MS, HOUR_MS));
    const sent = exportsOf({ ...stage, volume: 1 }, found, startMs + 1.5 * HOUR_MS, HOUR_MS, random.integer(1, 2), 1);
    return twin([enrolmentDraft(startMs, found.phone, 'enrolled'), ...work, ...sent], found);
  },
};

/** A phone is handed on to a colleague: the directory says whose it is now, then the colleague works with it. */
const HANDED_ON: Script = {
  attack: 'stolen-tablet',
  kind: 'benign-twin',
  name: 'phone-handed-on',
  source: 'Phones of the house that go on to whoever comes next',
  durationMsMax: 8 * HOUR_MS,
  play: (stage) => {
    const { hospital, random, startMs } = stage;
    const found = carried(stage, true);
    const heirs = hospital
      .onDuty(startMs)
      .filter(({ person }) => person.phone === undefined && dutyWard(stage, person) === found?.phone.view.ward);
    if (found === undefined || heirs.length === 0) return undefined;
    const { person } = random.pick(heirs);
    const { phone } = found;
    const device = { ...phone, view: { ...phone.view, owner: person.user.uid } };
    const assigned = directoryDraft(startMs, 'roster.device-assigned', device.view.uid, { device: device.view });
    const handed = { phone: device, owner: person };
    const seat = houseSeat(person.user, device, random);
    return twin([assigned, ...someReads(stage, handed, seat, startMs + 20 * MINUTE_MS)], handed);
  },
};

/** A sign-in and a few reads of the own ward's patients. */
function someReads(stage: Stage, { owner }: Carried, seat: ReturnType<typeof houseSeat>, fromMs: number): EventDraft[] {
  const { hospital, random, startMs } = stage;
  const ward = hospital.dutyOf(owner, startMs)?.ward;
  const stays = inpatientsOf(stage, amountOf(stage, 5, 2), (stay) => stay.ward === ward);
  const times = stepTimes(random, fromMs + 20_000, 2 * HOUR_MS, stays.length);
  return [signedInDraft(fromMs, seat, true), ...readsOf(stage, workplaceOf(owner, seat, random), stays, times)];
}

function course(drafts: readonly EventDraft[], { phone, owner }: Carried, detectableAtMs: number | undefined): Course {
  const sorted = inTime(drafts);
  const lastMs = (sorted.at(-1) as EventDraft).timeMs;
  const entities = [deviceEntity(phone.view), personEntity(owner)];
  return { drafts: sorted, entities, detectableAtMs: detectableAtMs ?? lastMs };
}

function twin(drafts: readonly EventDraft[], { phone }: Carried): Course {
  return { drafts: inTime(drafts), entities: [deviceEntity(phone.view)], detectableAtMs: null };
}

/** Own phones of staff in the wrong hands or for the wrong ends, and what looks like it. */
export const OWN_PHONE_SCRIPTS: readonly Script[] = [
  UNMANAGED_PHONE,
  NEW_PHONE,
  OTHER_ACCOUNT,
  OUT_OF_RULES,
  NEW_PHONE_AT_DESK,
  HANDED_ON,
];
