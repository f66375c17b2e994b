import type { EventDraft } from '../draft';
import { breakGlassDraft, patientView, recordDraft, type RecordAccess } from '../event-drafts';
import { drawWord } from '../hospital/draws';
import type { Role } from '../hospital/model';
import type { Life, Slice, StaffSession } from './life';
import { coverCase, wrongRecord } from './record-slips';
import { anyInpatient, nextCase, type Ground, type RecordCase, type Work } from './record-work';
import { sessionsIn } from './session-life';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Cases an hour of a session, by role; those who open no records are left out. */
const CASES_PER_HOUR: Readonly<Partial<Record<Role, number>>> = {
  nurse: 6.5,
  'float-nurse': 6.5,
  physician: 5.5,
  radiographer: 5,
  'lab-technician': 5,
  pharmacist: 5,
  'infection-control-nurse': 3,
  'social-worker': 2.5,
  'clinical-coder': 4,
  'admission-clerk': 5,
  'quality-officer': 1.2,
};
/** How many records are opened, by hour of the day (UTC): rounds in the morning, medicines at eight, twelve and six. */
const BY_HOUR = [
  0.5, 0.45, 0.4, 0.4, 0.5, 0.8, 1.1, 1.2, 1.5, 1.4, 1.2, 1.1, 1.2, 1.1, 1.1, 1.1, 1, 1, 1.2, 1, 0.9, 0.9, 0.8, 0.6,
];
/** Accesses of one case, each as likely as the others. */
const CASE_SIZES = [1, 1, 2, 2, 2, 3, 3, 4, 5];
const BREAK_GLASS_SHARE = 0.0009;
const BREAK_GLASS_REASONS = [
  'resuscitation in progress',
  'transfer from the emergency department, relationship not yet recorded',
  'attending physician unreachable, patient deteriorating',
  'called to the ward in an emergency',
  'allergy had to be looked up at once',
] as const;

/** Records that staff read, change and export in their sessions, with the slips that happen: see `record-slips`. */
export const RECORD_LIFE: Life = {
  name: 'records',
  drafts(slice) {
    const { hospital, settings, seed, startMs, endMs } = slice;
    const drafts: EventDraft[] = [];
    for (const session of sessionsIn(hospital, settings, seed, startMs, endMs)) addSession(drafts, slice, session);
    return drafts;
  },
};

function addSession(drafts: EventDraft[], slice: Slice, session: StaffSession): void {
  const { person } = session;
  const perHour = CASES_PER_HOUR[person.user.role];
  if (perHour === undefined) return;
  const [fromMs, toMs] = [Math.max(slice.startMs, session.startMs), Math.min(slice.endMs, session.endMs)];
  const { hospital, settings, seed, random } = slice;
  const factor =
    (BY_HOUR[Math.floor(fromMs / HOUR_MS) % 24] as number) * settings.rates.reads * settings.eventRateFactor;
  let left = random.times((perHour * factor * (toMs - fromMs)) / HOUR_MS);
  if (left === 0) return;
  const { ward, dutyStartMs, dutyKey } = placeOf(slice, session);
  const basis = { hospital, settings, seed };
  const work: Work = { basis, session, ward, timeMs: fromMs, random, dutyKey };
  for (; left > 0; left--) addCase(drafts, work, dutyStartMs, toMs);
}

/** Where and since when somebody is on duty in a session. */
interface DutyPlace {
  readonly ward: string;
  readonly dutyStartMs: number;
  readonly dutyKey: number;
}

/** A session is asked for in each of its slices, and its duty does not change. */
const places = new WeakMap<StaffSession, DutyPlace>();

function placeOf({ hospital, seed }: Slice, session: StaffSession): DutyPlace {
  const known = places.get(session);
  if (known !== undefined) return known;
  const { person, startMs } = session;
  const duty = hospital.dutyOf(person, startMs);
  const dutyStartMs = duty?.startMs ?? startMs;
  const dutyKey = drawWord(seed, person.resident.index, Math.floor(dutyStartMs / HOUR_MS));
  const place = { ward: duty?.ward ?? person.user.ward, dutyStartMs, dutyKey };
  places.set(session, place);
  return place;
}

function addCase(drafts: EventDraft[], work: Work, dutyStartMs: number, untilMs: number): void {
  const usual = nextCase(work);
  if (usual === undefined) return;
  const { random, session } = work;
  let timeMs = random.integer(work.timeMs, untilMs - 1);
  const wrong = wrongRecord(work);
  if (wrong !== undefined) {
    for (const part of wrong.ground.parts) {
      if (timeMs < untilMs) drafts.push(recordDraft(timeMs, 'read', accessTo(session, wrong, part)));
      timeMs = nextMs(work, timeMs);
    }
  }
  if (session.person.user.role === 'physician' && random.chance(BREAK_GLASS_SHARE)) {
    addEmergency(drafts, work, timeMs, untilMs);
    return;
  }
  addAccesses(drafts, work, coverCase(work, dutyStartMs, usual) ?? usual, timeMs, untilMs);
}

function addAccesses(drafts: EventDraft[], work: Work, found: RecordCase, fromMs: number, untilMs: number): void {
  const { random, session } = work;
  const { ground } = found;
  let timeMs = fromMs;
  for (let left = random.pick(CASE_SIZES); left > 0 && timeMs < untilMs; left--) {
    const act = random.chance(ground.changedShare) ? 'changed' : 'read';
    drafts.push(recordDraft(timeMs, act, accessTo(session, found, random.pick(ground.parts))));
    timeMs = nextMs(work, timeMs);
  }
  if (timeMs >= untilMs || ground.exportedShare === 0 || !random.chance(ground.exportedShare)) return;
  const exported = { bytesOut: random.integer(40_000, 900_000), destination: ground.destination };
  drafts.push(recordDraft(timeMs, 'exported', accessTo(session, found, random.pick(ground.parts)), exported));
}

const EMERGENCY: Ground = {
  purpose: 'emergency',
  parts: ['chart', 'medication', 'laboratory', 'observation'],
  changedShare: 0.1,
  exportedShare: 0,
  destination: 'printer',
};

/** Somebody of another ward, whom nobody has entered yet, needs help at once. */
function addEmergency(drafts: EventDraft[], work: Work, timeMs: number, untilMs: number): void {
  const { random, session } = work;
  const stay = anyInpatient(work);
  if (stay === undefined || stay.patient.index === session.person.resident.index) return;
  const found: RecordCase = { ground: EMERGENCY, patient: patientView(stay.patient, stay.ward), isInCare: false };
  drafts.push(breakGlassDraft(timeMs, accessTo(session, found, 'chart'), random.pick(BREAK_GLASS_REASONS)));
  addAccesses(drafts, work, found, nextMs(work, timeMs), untilMs);
}

/** Some seconds later; what would come after the stretch is left out. */
function nextMs({ random }: Work, timeMs: number): number {
  return timeMs + random.integer(4_000, 38_000);
}

function accessTo(session: StaffSession, found: RecordCase, recordType: string): RecordAccess {
  const { person, device, from, uid, userAgent } = session;
  return {
    person,
    device,
    from,
    session: uid,
    userAgent,
    patient: found.patient,
    hasCareRelationship: found.isInCare,
    purpose: found.ground.purpose,
    recordType,
  };
}
